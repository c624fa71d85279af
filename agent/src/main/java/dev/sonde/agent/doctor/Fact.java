package dev.sonde.agent.doctor;

/**
 * One thing found out about the host.
 *
 * @param id stable name for programs: {@code kernel.release}; the part before the dot is the
 *     category
 * @param label short name for people
 * @param value what was found
 * @param detail why it matters or how it is known; may be empty
 * @param remedy what to do about it; empty where nothing needs to be done
 */
public record Fact(
    String id, String label, Status status, String value, String detail, String remedy) {

  /** A fact that needs no explanation. */
  public static Fact of(String id, String label, Status status, String value) {
    return new Fact(id, label, status, value, "", "");
  }

  /** The facts with a common category stand together. */
  public String category() {
    return id.substring(0, id.indexOf('.'));
  }

  /** With the reason why it matters, or how it is known. */
  public Fact because(String text) {
    return new Fact(id, label, status, value, text, remedy);
  }

  /** With what to do about it. */
  public Fact remedy(String text) {
    return new Fact(id, label, status, value, detail, text);
  }
}
