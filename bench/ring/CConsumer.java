import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;

/** libbpf's ring_buffer__consume in a process of its own, consumer.c. */
final class CConsumer implements Consumer {
  private final Process process;
  private final PrintStream orders;
  private final BufferedReader answers;

  CConsumer(Path program, Path object, int ringBytes) {
    try {
      process =
          new ProcessBuilder(program.toString(), object.toString(), Integer.toString(ringBytes))
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    orders = new PrintStream(process.getOutputStream(), true);
    answers = process.inputReader();
  }

  private long[] ask(String order) {
    try {
      orders.println(order);
      String answer = answers.readLine();
      if (answer == null) {
        throw new IllegalStateException("the C consumer ended at: " + order);
      }
      return Arrays.stream(answer.split(" ")).mapToLong(Long::parseLong).toArray();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public Drained drain(int fills, int records) {
    long[] a = ask("drain %d %d".formatted(fills, records));
    return new Drained(a[0], a[1]);
  }

  @Override
  public Run rate(long perSecond, long millis) {
    long[] a = ask("rate %d %d".formatted(perSecond, millis));
    return new Run(a[0], a[1], a[2], a[3]);
  }

  @Override
  public void close() {
    orders.close();
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      process.destroy();
    }
  }
}
