package dev.sonde.agent.workload.cri;

import dev.sonde.agent.workload.Answer;
import dev.sonde.agent.workload.IdentitySource;
import dev.sonde.agent.workload.PodFacts;
import dev.sonde.agent.workload.SourceException;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The container runtime as a source of names: containerd, CRI-O, and whoever else speaks {@code
 * runtime.v1}.
 *
 * {@snippet :
 * try (CriSource cri = new CriSource(CriSource.SOCKETS, facts)) {
 *   Answer all = cri.ask();
 * }
 * }
 *
 * <p>Connects when it is first asked, to the first of the sockets that is there. A connection on
 * which anything failed is given up, so that a runtime that was started anew is met with a new one.
 * Every call has a deadline; an answer has at most {@value CriConnection#MOST_BYTES} bytes.
 */
public final class CriSource implements IdentitySource {
  /** Where runtimes listen: containerd, CRI-O, containerd of k3s and RKE2. */
  public static final List<Path> SOCKETS =
      List.of(
          Path.of("/run/containerd/containerd.sock"),
          Path.of("/run/crio/crio.sock"),
          Path.of("/run/k3s/containerd/containerd.sock"));

  /** Of all calls of one asking together; an overloaded node's runtime needs a tenth of it. */
  private static final int DEADLINE_MILLIS = 2000;

  /** Of the first asking, which loads gRPC's classes. */
  private static final int FIRST_DEADLINE_MILLIS = 10_000;

  private final List<Path> sockets;
  private final PodFacts facts;
  private @Nullable CriConnection connection;
  private Runnable changed = () -> {};
  private boolean asked;
  private boolean closed;

  /**
   * @param sockets tried in this order
   */
  public CriSource(List<Path> sockets, PodFacts facts) {
    this.sockets = List.copyOf(sockets);
    this.facts = facts;
  }

  @Override
  public String name() {
    return "cri";
  }

  @Override
  public boolean present() {
    return socket() != null;
  }

  @Override
  public String absence() {
    return sockets.isEmpty()
        ? "switched off by --cri-endpoint"
        : "no socket at " + String.join(", ", sockets.stream().map(Path::toString).toList());
  }

  private @Nullable Path socket() {
    for (Path socket : sockets) {
      if (Files.exists(socket)) {
        return socket;
      }
    }
    return null;
  }

  @Override
  public void onChange(Runnable listener) {
    changed = listener;
  }

  @Override
  public Answer ask() throws SourceException {
    Path socket = socket();
    if (socket == null) {
      drop();
      throw new SourceException(absence(), "");
    }
    CriConnection open = open(socket);
    int millis = asked ? DEADLINE_MILLIS : FIRST_DEADLINE_MILLIS;
    asked = true;
    try {
      return open.ask(millis);
    } catch (StatusRuntimeException e) {
      drop();
      throw failure(socket, e.getStatus(), e);
    } catch (RuntimeException e) {
      drop();
      throw new SourceException(socket + ": " + e, "", e);
    }
  }

  private synchronized CriConnection open(Path socket) throws SourceException {
    if (closed) {
      throw new SourceException("closed", "");
    }
    CriConnection c = connection;
    if (c != null && !c.socket().equals(socket)) {
      c.close();
      c = null;
    }
    if (c == null) {
      c = new CriConnection(socket, facts, changed);
      connection = c;
    }
    return c;
  }

  private synchronized void drop() {
    if (connection != null) {
      connection.close();
      connection = null;
    }
  }

  private static SourceException failure(Path socket, Status status, Exception e) {
    String what = status.getDescription() == null ? "" : ": " + status.getDescription();
    String cause = status.getCause() == null ? "" : " (" + status.getCause().getMessage() + ")";
    String reason = PodFacts.clean(socket + ": " + status.getCode() + what + cause);
    String remedy =
        switch (status.getCode()) {
          case UNIMPLEMENTED ->
              "the runtime has no CRI v1: enable containerd's cri plugin, or use containerd 1.6,"
                  + " CRI-O 1.23 or later";
          case UNAVAILABLE -> "is the runtime running, and the socket mounted into this container?";
          case DEADLINE_EXCEEDED -> "the runtime hangs or is overloaded";
          case RESOURCE_EXHAUSTED ->
              "its list of pods or containers is larger than 16 MiB: remove what has ended, or ask"
                  + " the kubelet (--kubelet-endpoint)";
          default -> "";
        };
    return new SourceException(reason, remedy, e);
  }

  @Override
  public synchronized void close() {
    closed = true;
    drop();
  }
}
