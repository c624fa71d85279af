/** Collects its garbage so many times, sends 5,000 bytes to a local port, says so in a file, and stays. */
public final class Collect {
  public static void main(String[] args) throws Exception {
    for (int i = 0; i < Integer.parseInt(args[0]); i++) {
      System.gc();
    }
    try (var socket =
        new java.net.Socket(java.net.InetAddress.getLoopbackAddress(), Integer.parseInt(args[2]))) {
      socket.getOutputStream().write(new byte[5000]);
    }
    new java.io.File(args[1]).createNewFile();
    Thread.sleep(1_000_000);
  }
}
