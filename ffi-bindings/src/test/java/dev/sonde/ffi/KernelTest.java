package dev.sonde.ffi;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Needs root and BPF; where there is neither, or with -Dsonde.kernel=false, it skips and says so.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(KernelTest.Condition.class)
@interface KernelTest {
  /** Root without BPF is a failure, not a skip: the tests themselves then say what is missing. */
  final class Condition implements ExecutionCondition {
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      if ("false".equals(System.getProperty("sonde.kernel"))) {
        return ConditionEvaluationResult.disabled("-Dsonde.kernel=false");
      }
      boolean may =
          KernelFeatures.capabilities().contains(Capability.CAP_SYS_ADMIN)
              || KernelFeatures.capabilities().contains(Capability.CAP_BPF);
      return may
          ? ConditionEvaluationResult.enabled("may load BPF programs")
          : ConditionEvaluationResult.disabled("needs CAP_BPF and CAP_PERFMON, or root");
    }
  }
}
