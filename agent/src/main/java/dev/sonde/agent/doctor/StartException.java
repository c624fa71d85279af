package dev.sonde.agent.doctor;

import org.jspecify.annotations.Nullable;

/** Carries a {@link StartFailure} to the command that prints it. */
public final class StartException extends Exception {
  private static final long serialVersionUID = 1;

  private final transient StartFailure failure;

  /** Without a cause beyond the failure itself. */
  public StartException(StartFailure failure) {
    this(failure, null);
  }

  /**
   * @param cause shown with its stack at {@code --log-level debug} only
   */
  public StartException(StartFailure failure, @Nullable Throwable cause) {
    super(failure.what(), cause);
    this.failure = failure;
  }

  /** What failed. */
  public StartFailure failure() {
    return failure;
  }
}
