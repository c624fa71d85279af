package dev.sonde.ffi.internal;

import dev.sonde.ffi.NativeLibraryException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Finds libbpf: by its soname, or where {@code -Dsonde.libbpf} or {@code SONDE_LIBBPF} says. It is
 * opened once, never closed, and silenced: this library prints nothing and never ends the process.
 */
public final class NativeLibraries {
  /** The system property that names another libbpf; stronger than the environment. */
  public static final String PROPERTY = "sonde.libbpf";

  /** The environment variable that names another libbpf. */
  public static final String VARIABLE = "SONDE_LIBBPF";

  /** What the dynamic linker looks for by default. */
  public static final String SONAME = "libbpf.so.1";

  private static @Nullable Loaded loaded;

  private NativeLibraries() {}

  /** An opened libbpf and what it calls itself, such as {@code v1.1}. */
  public record Loaded(SymbolLookup symbols, String path, String version) {}

  /**
   * The process's libbpf. A failure is not remembered: the next call tries again.
   *
   * @throws NativeLibraryException it is missing, or older than 1.0
   */
  public static SymbolLookup requireLibbpf() throws NativeLibraryException {
    return libbpf().symbols();
  }

  /** Like {@link #requireLibbpf}, with its path and version. */
  public static synchronized Loaded libbpf() throws NativeLibraryException {
    Loaded result = loaded;
    if (result == null) {
      result = open(configuredPath());
      silence(result.symbols());
      loaded = result;
    }
    return result;
  }

  static String configuredPath() {
    return Optional.ofNullable(System.getProperty(PROPERTY))
        .or(() -> Optional.ofNullable(System.getenv(VARIABLE)))
        .filter(path -> !path.isBlank())
        .orElse(SONAME);
  }

  /** Opens and checks the library at {@code path}, a file or a soname. */
  @SuppressWarnings("restricted")
  public static Loaded open(String path) throws NativeLibraryException {
    SymbolLookup symbols;
    try {
      symbols = SymbolLookup.libraryLookup(path, Arena.global());
    } catch (IllegalArgumentException e) {
      throw new NativeLibraryException.Missing(path, e);
    }
    String version = version(symbols);
    if (majorVersion(version) < 1) {
      throw new NativeLibraryException.WrongVersion(path, version);
    }
    return new Loaded(symbols, path, version);
  }

  /** What {@code libbpf_version_string()} says; it exists since 0.6. */
  private static String version(SymbolLookup symbols) {
    if (symbols.find("libbpf_version_string").isEmpty()) {
      return "";
    }
    return Memory.string(
        Downcalls.result(Downcalls.call(Downcalls.symbol(symbols, "libbpf_version_string"))));
  }

  /** The 1 of {@code v1.1}; 0 for what is not a version. */
  static int majorVersion(String version) {
    int end = 1;
    while (end < version.length() && Character.isDigit(version.charAt(end))) {
      end++;
    }
    boolean wellFormed = version.startsWith("v") && end > 1 && end < 6;
    return wellFormed ? Integer.parseInt(version.substring(1, end)) : 0;
  }

  /** libbpf warns on stderr by default; a library has no business there. */
  private static void silence(SymbolLookup symbols) {
    // It returns the function that printed before.
    long ignored = Downcalls.call(Downcalls.symbol(symbols, "libbpf_set_print"), 0);
  }
}
