package dev.sonde.ffi;

/** A program that only tries: for tests of a process without libbpf. */
final class OpenAnything {
  private OpenAnything() {}

  public static void main(String[] arguments) {
    for (int i = 0; i < 2; i++) {
      try (BpfObject object = BpfObject.open("any", new byte[1], OpenOptions.none())) {
        System.out.println("opened " + object);
      } catch (NativeLibraryException e) {
        System.out.println(e.getClass().getSimpleName() + ": " + e.getMessage());
      }
    }
  }
}
