package dev.sonde.agent.probe;

/**
 * One rung of a probe's attach ladder and what came of it.
 *
 * @param mechanism {@code tp_btf}, {@code raw_tp}, {@code tracepoint}, {@code fexit}, {@code
 *     kretprobe} …
 */
public record Attempt(String mechanism, Outcome outcome) {
  /** What came of trying one rung. */
  public sealed interface Outcome {
    /** It is attached and counts. */
    record Attached() implements Outcome {}

    /**
     * It was tried and the kernel refused.
     *
     * @param reason what failed, with the errno's name
     * @param remedy what to do about it; empty where nothing can be done
     */
    record Failed(String reason, String remedy) implements Outcome {}

    /**
     * It was not tried, because a better rung holds, the kernel lacks it, or an option forbids it.
     */
    record Skipped(String reason) implements Outcome {}
  }
}
