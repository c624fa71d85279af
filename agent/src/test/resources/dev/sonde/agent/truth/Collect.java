/** Collects its garbage so many times, says so in a file, and stays. */
public final class Collect {
  public static void main(String[] args) throws Exception {
    for (int i = 0; i < Integer.parseInt(args[0]); i++) {
      System.gc();
    }
    new java.io.File(args[1]).createNewFile();
    Thread.sleep(1_000_000);
  }
}
