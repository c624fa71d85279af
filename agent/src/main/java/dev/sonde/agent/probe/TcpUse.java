package dev.sonde.agent.probe;

/**
 * How one workload has used TCP so far: the totals behind its series, as others look at them.
 *
 * @param clientOpens connections it opened
 * @param opens those, and those that others opened to it
 * @param failures connects that did not get established
 * @param closes connections that ended
 * @param endedFirst those of them that it ended first
 * @param peerEnded those of them that the other side ended first
 * @param overflows connections that its listeners had no room for
 * @param closeWait sockets in CLOSE_WAIT now
 */
public record TcpUse(
    long clientOpens,
    long opens,
    long failures,
    long closes,
    long endedFirst,
    long peerEnded,
    long overflows,
    long closeWait) {
  static final TcpUse NONE = new TcpUse(0, 0, 0, 0, 0, 0, 0, 0);

  TcpUse withOverflows(long total) {
    return new TcpUse(
        clientOpens, opens, failures, closes, endedFirst, peerEnded, total, closeWait);
  }
}
