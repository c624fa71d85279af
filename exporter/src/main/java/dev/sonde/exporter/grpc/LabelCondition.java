package dev.sonde.exporter.grpc;

import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import dev.sonde.v1.LabelMatcher;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Predicate;

/**
 * One condition on one label's value.
 *
 * <p>Not thread-safe: it remembers its answers, since a snapshot has few distinct values and many
 * series. Expressions are RE2, which takes time linear in the value; counted repetition is refused,
 * since nested ones compile 22 characters to a million instructions.
 */
final class LabelCondition {
  private static final int REMEMBERED = 4096;

  private final String label;
  private final Predicate<String> test;
  private final Map<String, Boolean> answers = new HashMap<>();

  private LabelCondition(String label, Predicate<String> test) {
    this.label = label;
    this.test = test;
  }

  static LabelCondition parse(String field, LabelMatcher m) throws InvalidRequestException {
    checkLabel(field + ".label", m.getLabel());
    Predicate<String> test =
        switch (m.getTestCase()) {
          case EQUAL -> value(field + ".equal", m.getEqual())::equals;
          case NOT_EQUAL -> Predicate.not(value(field + ".not_equal", m.getNotEqual())::equals);
          case REGEX -> regex(field + ".regex", m.getRegex())::matches;
          case NOT_REGEX -> Predicate.not(regex(field + ".not_regex", m.getNotRegex())::matches);
          case TEST_NOT_SET ->
              throw new InvalidRequestException(
                  field, "set one of equal, not_equal, regex, not_regex");
        };
    return new LabelCondition(m.getLabel(), test);
  }

  String label() {
    return label;
  }

  boolean holds(String value) {
    Boolean known = answers.get(value);
    if (known == null) {
      if (answers.size() >= REMEMBERED) {
        answers.clear();
      }
      known = test.test(value);
      answers.put(value, known);
    }
    return known;
  }

  private static void checkLabel(String field, String label) throws InvalidRequestException {
    boolean fine = !label.isEmpty() && label.length() <= GrpcLimits.LABEL_LENGTH;
    for (int i = 0; fine && i < label.length(); i++) {
      char c = label.charAt(i);
      fine =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || c == '_'
              || (i > 0 && c >= '0' && c <= '9');
    }
    if (!fine) {
      throw new InvalidRequestException(
          field,
          "\""
              + shortened(label)
              + "\" is no label name: letters, digits and _, at most "
              + GrpcLimits.LABEL_LENGTH);
    }
    if (label.equals("__name__")) {
      throw new InvalidRequestException(field, "__name__ is no label here; use `metrics`");
    }
  }

  private static String value(String field, String value) throws InvalidRequestException {
    if (value.length() > GrpcLimits.VALUE_LENGTH) {
      throw new InvalidRequestException(
          field, "has " + value.length() + " characters, at most " + GrpcLimits.VALUE_LENGTH);
    }
    return value;
  }

  private static Pattern regex(String field, String regex) throws InvalidRequestException {
    value(field, regex);
    for (int i = 0; i + 1 < regex.length(); i++) {
      if (regex.charAt(i) == '{' && Character.isDigit(regex.charAt(i + 1))) {
        throw new InvalidRequestException(
            field,
            "\"" + regex + "\" has a counted repetition ({n}), which is refused; use * + or ?");
      }
    }
    try {
      return Pattern.compile(regex);
    } catch (PatternSyntaxException e) {
      throw new InvalidRequestException(field, "\"" + regex + "\": " + e.getMessage());
    }
  }

  private static String shortened(String s) {
    return s.length() <= 40 ? s : s.substring(0, 40) + "…";
  }
}
