package dev.sonde.ffi.btf;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * Writes the Java view of a C struct from a BPF object's BTF: its size, the offset of every field,
 * and accessors over a segment. Fields whose names start with {@code _} or {@code pad} are padding
 * and left out; bit fields are refused.
 *
 * <pre>
 * java -cp ... dev.sonde.ffi.btf.LayoutGenerator ffi-bindings/src/main/java sched.bpf.o wait_event
 * </pre>
 *
 * writes {@code ffi-bindings/src/main/java/dev/sonde/ffi/layout/WaitEvent.java}. The text depends
 * on the struct alone and is what google-java-format would print, so that a test can compare the
 * committed file with {@link #generate}.
 *
 * <p>Unsigned fields widen to the next Java type ({@code __u8} and {@code __u16} to int, {@code
 * __u32} to long), so that no value turns negative; {@code __u64} stays a long.
 */
public final class LayoutGenerator {
  /** The package of the generated classes. */
  public static final String PACKAGE = "dev.sonde.ffi.layout";

  private LayoutGenerator() {}

  /** {@code <source root> <object> <struct>...}; exits with 2 on wrong usage. */
  public static void main(String[] arguments) throws IOException {
    if (arguments.length < 3) {
      System.err.println("usage: LayoutGenerator <source root> <object.bpf.o> <struct>...");
      System.exit(2);
    }
    List<String> structs = Arrays.asList(arguments).subList(2, arguments.length);
    write(Path.of(arguments[0]), Path.of(arguments[1]), structs);
  }

  /** Writes the view of each struct of {@code object} below {@code sourceRoot}. */
  public static void write(Path sourceRoot, Path object, List<String> structs) throws IOException {
    Btf btf = Btf.ofObject(Files.readAllBytes(object));
    Path directory = sourceRoot.resolve(PACKAGE.replace('.', '/'));
    Files.createDirectories(directory);
    for (String struct : structs) {
      Files.writeString(directory.resolve(Names.type(struct) + ".java"), generate(btf, struct));
    }
  }

  /**
   * The source of the view of {@code struct}.
   *
   * @throws BtfException there is no such struct, or a field that has no view
   */
  public static String generate(Btf btf, String struct) throws BtfException {
    BtfType.Struct type =
        btf.struct(struct)
            .orElseThrow(
                () ->
                    new BtfException(
                        "no struct %s in the BTF; it has %s".formatted(struct, btf.structNames())));
    return new LayoutWriter(btf, struct, type).write();
  }
}
