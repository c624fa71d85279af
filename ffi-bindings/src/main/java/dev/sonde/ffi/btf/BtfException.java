package dev.sonde.ffi.btf;

/** The bytes are not valid BTF or not an ELF object; the message says where. */
public final class BtfException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What is wrong, and where. */
  public BtfException(String message) {
    super(message);
  }
}
