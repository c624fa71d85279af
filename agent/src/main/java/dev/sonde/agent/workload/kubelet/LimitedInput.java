package dev.sonde.agent.workload.kubelet;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** Fails once more than a number of bytes were read: an answer that is longer is no answer. */
final class LimitedInput extends FilterInputStream {
  private final long most;
  private long read;

  LimitedInput(InputStream in, long most) {
    super(in);
    this.most = most;
  }

  @Override
  public int read() throws IOException {
    int b = super.read();
    count(b < 0 ? 0 : 1);
    return b;
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    int n = super.read(into, offset, length);
    count(Math.max(n, 0));
    return n;
  }

  private void count(int n) throws IOException {
    read += n;
    if (read > most) {
      throw new IOException("more than " + most + " bytes");
    }
  }
}
