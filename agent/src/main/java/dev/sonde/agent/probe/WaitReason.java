package dev.sonde.agent.probe;

/** Why a task that could run did not: {@code enum wait_reason} of {@code task_records.h}. */
enum WaitReason {
  WAKEUP(0, "wakeup"),
  PREEMPTED(1, "preempted"),
  THROTTLED(2, "throttled");

  private static final WaitReason[] ALL = values();

  private final int number;
  private final String label;

  WaitReason(int number, String label) {
    this.number = number;
    this.label = label;
  }

  int number() {
    return number;
  }

  String label() {
    return label;
  }

  /** The label of a number that the kernel sent; {@code unknown} for one of another build. */
  static String label(long number) {
    return number >= 0 && number < ALL.length ? ALL[(int) number].label : "unknown";
  }
}
