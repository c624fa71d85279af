package dev.sonde.agent;

import dev.sonde.ffi.Capability;
import dev.sonde.ffi.KernelFeatures;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Needs root and BPF; without root, or with -Dsonde.kernel=false, it skips and says so. Root
 * without BPF is a failure: the test itself then says what is missing.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(KernelTest.Condition.class)
public @interface KernelTest {
  /** Asks for the right to load programs, not for their success. */
  final class Condition implements ExecutionCondition {
    /** Why such tests do not run here; null if they do. */
    public static @Nullable String why() {
      if ("false".equals(System.getProperty("sonde.kernel"))) {
        return "-Dsonde.kernel=false";
      }
      return KernelFeatures.capabilities().contains(Capability.CAP_SYS_ADMIN)
          ? null
          : "needs root: it loads BPF programs, makes cgroups";
    }

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      String why = why();
      return why == null
          ? ConditionEvaluationResult.enabled("may load BPF programs and make cgroups")
          : ConditionEvaluationResult.disabled(why);
    }
  }
}
