package dev.sonde.exporter.access;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A certificate authority made by openssl(1), and what it issues: files in a directory.
 *
 * {@snippet :
 * TestAuthority ca = TestAuthority.create(dir, "ca");
 * ca.issue("server", 1);      // server.crt, server.key in dir
 * }
 */
public final class TestAuthority {
  private final Path dir;
  private final String name;

  private TestAuthority(Path dir, String name) {
    this.dir = dir;
    this.name = name;
  }

  /** A new one: {@code name.crt} and {@code name.key}. */
  public static TestAuthority create(Path dir, String name) {
    openssl(
        dir,
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=" + name,
        "-keyout",
        name + ".key",
        "-out",
        name + ".crt");
    return new TestAuthority(dir, name);
  }

  /**
   * A certificate for 127.0.0.1, for servers and clients alike.
   *
   * @param days 0: it has ended when this returns
   */
  public void issue(String subject, int days) {
    openssl(
        dir,
        "req",
        "-new",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=" + subject,
        "-keyout",
        subject + ".key",
        "-out",
        subject + ".csr");
    try {
      Path extensions = Files.writeString(dir.resolve("san.cnf"), "subjectAltName=IP:127.0.0.1\n");
      openssl(
          dir,
          "x509",
          "-req",
          "-in",
          subject + ".csr",
          "-CA",
          name + ".crt",
          "-CAkey",
          name + ".key",
          "-CAcreateserial",
          "-days",
          String.valueOf(days),
          "-extfile",
          extensions.toString(),
          "-out",
          subject + ".crt");
      if (days == 0) {
        Thread.sleep(1_100); // it ends with the second in which it was made
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Runs openssl(1) in a directory. */
  public static String openssl(Path dir, String... arguments) {
    List<String> command = new java.util.ArrayList<>(List.of("openssl"));
    command.addAll(List.of(arguments));
    Result result = run(dir, command);
    if (result.exit() != 0) {
      throw new AssertionError(command + " failed:\n" + result.output());
    }
    return result.output();
  }

  /** What a program printed, and how it ended. */
  public record Result(int exit, String output) {}

  /** Runs a real client to its end. */
  public static Result run(Path dir, List<String> command) {
    try {
      Process p =
          new ProcessBuilder(command).directory(dir.toFile()).redirectErrorStream(true).start();
      p.getOutputStream().close();
      String output = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return new Result(p.waitFor(), output);
    } catch (IOException e) {
      throw new AssertionError(command.getFirst() + ": install it with: make test", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  /** As the agent reads it from files. */
  public static Certificates read(Path dir, String subject, String clientCa)
      throws IOException, CertificateException {
    return Certificates.parse(
        Files.readString(dir.resolve(subject + ".crt")),
        Files.readString(dir.resolve(subject + ".key")),
        clientCa.isEmpty() ? "" : Files.readString(dir.resolve(clientCa + ".crt")));
  }
}
