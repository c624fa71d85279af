package dev.sonde.agent.truth;

import dev.sonde.agent.guest.Patience;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Runs a program to its end, and fails with its output if it fails. */
final class Command {
  private Command() {}

  static String run(String... command) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getOutputStream().close();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(Patience.seconds(60))) {
        process.destroyForcibly();
        throw new AssertionError(List.of(command) + " did not end within 60 s:\n" + output);
      }
      if (process.exitValue() != 0) {
        throw new AssertionError(
            List.of(command) + " ended with " + process.exitValue() + ":\n" + output);
      }
      return output;
    } catch (IOException e) {
      throw new AssertionError(
          "run "
              + List.of(command)
              + ": "
              + e.getMessage()
              + "; install what is missing with: make setup-test",
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }
}
