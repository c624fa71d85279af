package dev.sonde.agent.truth;

import static dev.sonde.agent.truth.TcpMoved.proof;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Sockets that one process hands to another in another container, by fork(2) or over a unix socket
 * (SCM_RIGHTS): who connected keeps what it connected; what was accepted belongs to who uses it
 * first; what is older than the agent to who holds it, until somebody uses it.
 */
class TcpPassedIT {
  private static final String OPENS = "sonde_tcp_opens_total";
  private static final String CLOSES = "sonde_tcp_closes_total";
  private static final String CONNECTIONS = "sonde_tcp_connections";

  /** By distinct numbers of bytes, so that each one's owner shows. */
  private static final int BY_GIVER = 1_000;

  private static final int BY_TAKER = 20_000;
  private static final int TO_GIVER = 300;
  private static final int TO_TAKER = 7_000;

  @TempDir static Path directory;
  private static Path program;

  @BeforeAll
  static void compile() {
    program = Compiled.program(directory, "passing");
  }

  private static AgentProcess start(String... more) {
    List<String> flags = new ArrayList<>(List.of("--probes", "all,-sched", "--grpc-listen", "off"));
    flags.addAll(List.of(more));
    return AgentProcess.start(flags.toArray(String[]::new));
  }

  /** Who gives, who takes, and who is at the other end. */
  private record Hands(
      PodCgroup giver, PodCgroup taker, PodCgroup farPod, TcpPeer passing, TcpPeer far)
      implements AutoCloseable {
    static Hands meet() {
      PodCgroup giver = PodCgroup.create();
      PodCgroup taker = PodCgroup.create();
      PodCgroup farPod = PodCgroup.create();
      List<String> command = new ArrayList<>(List.of(program.toString()));
      taker.directories().forEach(d -> command.add(d.resolve("cgroup.procs").toString()));
      return new Hands(
          giver,
          taker,
          farPod,
          TcpPeer.of(giver, command.toArray(String[]::new)),
          TcpPeer.start(farPod));
    }

    /** A connection that the giver made, or accepted. */
    void connect(String how) {
      if (how.equals("connected")) {
        passing.tell("connect 127.0.0.1 " + far.listen("127.0.0.1"));
        far.tell("accept");
      } else {
        far.connect("127.0.0.1", (int) passing.tell("listen 127.0.0.1"));
        passing.tell("accept");
      }
    }

    /** Before there is a socket to inherit. */
    void prepare(String way) {
      if (way.equals("scm_rights")) {
        passing.tell("helper");
      }
    }

    void hand(String way) {
      if (way.equals("scm_rights")) {
        passing.tell("pass");
        passing.tell("take");
      } else {
        passing.tell("fork");
      }
      passing.tell("close");
    }

    void giverUses() {
      passing.tell("send " + BY_GIVER);
      far.tell("receive " + BY_GIVER + " 4096");
      far.tell("send " + TO_GIVER + " 4096");
      passing.tell("receive " + TO_GIVER);
    }

    void takerUses() {
      passing.tell("other send " + BY_TAKER);
      far.tell("receive " + BY_TAKER + " 4096");
      far.tell("send " + TO_TAKER + " 4096");
      passing.tell("other receive " + TO_TAKER);
    }

    void takerCloses() {
      passing.tell("other close");
      far.tell("close");
    }

    @Override
    public void close() {
      passing.close();
      far.close();
      giver.close();
      taker.close();
      farPod.close();
    }
  }

  /** What was counted for one of them: "sent received opened closed". */
  private static String counted(TcpMoved moved, PodCgroup pod) {
    return "sent %d, received %d, opened %d, closed %d"
        .formatted(
            moved.sent(pod),
            moved.received(pod),
            moved.of(OPENS, pod.labels()),
            moved.of(CLOSES, pod.labels()));
  }

  private static String counts(int sent, int received, int opened, int closed) {
    return "sent %d, received %d, opened %d, closed %d".formatted(sent, received, opened, closed);
  }

  /** Sockets that the agent sees from their first state on. */
  @Nested
  @TestInstance(Lifecycle.PER_CLASS)
  class WhileItRuns {
    private AgentProcess agent;

    @BeforeAll
    void startAgent() {
      agent = start();
    }

    @AfterAll
    void stopAgent() {
      agent.close();
    }

    @ParameterizedTest
    @CsvSource({
      "connected, scm_rights",
      "connected, fork",
      "accepted, scm_rights",
      "accepted, fork",
    })
    void afterItsGiverHasUsedItItStaysTheGivers(String how, String way) {
      try (Hands hands = Hands.meet()) {
        TcpMoved moved =
            TcpMoved.during(
                agent,
                () -> {
                  hands.prepare(way);
                  hands.connect(how);
                  hands.giverUses();
                  hands.hand(way);
                  hands.takerUses();
                  hands.takerCloses();
                });
        proof(
            "%s, used, passed by %s: giver %s; taker %s",
            how, way, counted(moved, hands.giver()), counted(moved, hands.taker()));
        assertThat(counted(moved, hands.giver()))
            .isEqualTo(counts(BY_GIVER + BY_TAKER, TO_GIVER + TO_TAKER, 1, 1));
        assertThat(counted(moved, hands.taker())).isEqualTo(counts(0, 0, 0, 0));
      }
    }

    /** As a proxy's master does for its workers. */
    @ParameterizedTest
    @CsvSource({"scm_rights", "fork"})
    void whatIsAcceptedBelongsToWhoUsesItFirst(String way) {
      try (Hands hands = Hands.meet()) {
        TcpMoved moved =
            TcpMoved.during(
                agent,
                () -> {
                  hands.prepare(way);
                  hands.connect("accepted");
                  hands.hand(way);
                  hands.takerUses();
                });
        Scrape open = agent.fresh();
        TcpMoved closed = TcpMoved.during(agent, hands::takerCloses);
        proof(
            "accepted, passed by %s, then used: giver %s; taker %s, then closed %d",
            way,
            counted(moved, hands.giver()),
            counted(moved, hands.taker()),
            closed.of(CLOSES, hands.taker().labels()));
        // opened for the listener's owner; all that follows is the user's
        assertThat(counted(moved, hands.giver())).isEqualTo(counts(0, 0, 1, 0));
        assertThat(counted(moved, hands.taker())).isEqualTo(counts(BY_TAKER, TO_TAKER, 0, 0));
        assertThat(open.sum(CONNECTIONS, hands.taker().labels("state", "established")))
            .as("the census goes with the owner")
            .isEqualTo(1);
        assertThat(open.sum(CONNECTIONS, hands.giver().labels("state", "established"))).isZero();
        assertThat(closed.of(CLOSES, hands.taker().labels())).isEqualTo(1);
        assertThat(closed.of(CLOSES, hands.giver().labels())).isZero();
      }
    }

    @ParameterizedTest
    @CsvSource({"scm_rights", "fork"})
    void whatIsConnectedBelongsToWhoConnectedItEvenIfOnlyTheOtherUsesIt(String way) {
      try (Hands hands = Hands.meet()) {
        TcpMoved moved =
            TcpMoved.during(
                agent,
                () -> {
                  hands.prepare(way);
                  hands.connect("connected");
                  hands.hand(way);
                  hands.takerUses();
                  hands.takerCloses();
                });
        proof(
            "connected, passed by %s, then used: giver %s; taker %s",
            way, counted(moved, hands.giver()), counted(moved, hands.taker()));
        assertThat(counted(moved, hands.giver())).isEqualTo(counts(BY_TAKER, TO_TAKER, 1, 1));
        assertThat(counted(moved, hands.taker())).isEqualTo(counts(0, 0, 0, 0));
      }
    }
  }

  /** Passed before the agent came: it finds who holds the descriptor, not who made the socket. */
  @ParameterizedTest
  @CsvSource({
    "connected, scm_rights, tp_btf",
    "connected, fork, tp_btf",
    "accepted, scm_rights, tp_btf",
    "accepted, fork, tp_btf",
    "accepted, scm_rights, tp_btf_hash",
    "connected, fork, tp_btf_hash",
  })
  void olderThanTheAgentItIsTheHolders(String how, String way, String mechanism) {
    try (Hands hands = Hands.meet()) {
      hands.prepare(way);
      hands.connect(how);
      hands.giverUses();
      hands.hand(way);
      try (AgentProcess agent = start("--mechanism", "tcp_owner=" + mechanism)) {
        assertThat(agent.fresh().sum(CONNECTIONS, hands.taker().labels("state", "established")))
            .as("found at the start")
            .isEqualTo(1);
        TcpMoved moved =
            TcpMoved.during(
                agent,
                () -> {
                  hands.takerUses();
                  hands.takerCloses();
                });
        proof(
            "older than the agent, %s, passed by %s, %s: giver %s; taker %s",
            how, way, mechanism, counted(moved, hands.giver()), counted(moved, hands.taker()));
        assertThat(counted(moved, hands.giver())).isEqualTo(counts(0, 0, 0, 0));
        assertThat(counted(moved, hands.taker())).isEqualTo(counts(BY_TAKER, TO_TAKER, 0, 1));
      }
    }
  }

  /** In nobody's hands when the agent comes: only its first use tells. */
  @Test
  void onItsWayBetweenProcessesItBelongsToWhoUsesItThen() {
    try (Hands hands = Hands.meet()) {
      hands.prepare("scm_rights");
      hands.connect("connected");
      hands.passing().tell("pass");
      hands.passing().tell("close");
      try (AgentProcess agent = start()) {
        TcpMoved moved =
            TcpMoved.during(
                agent,
                () -> {
                  hands.passing().tell("take");
                  hands.takerUses();
                  hands.takerCloses();
                });
        proof(
            "on its way when the agent came: giver %s; taker %s",
            counted(moved, hands.giver()), counted(moved, hands.taker()));
        assertThat(counted(moved, hands.giver())).isEqualTo(counts(0, 0, 0, 0));
        assertThat(counted(moved, hands.taker())).isEqualTo(counts(BY_TAKER, TO_TAKER, 0, 1));
      }
    }
  }

  /** Both hold it when the agent comes: whichever was met first, the first to use it has it. */
  @Test
  void heldByBothItBelongsToWhoUsesItFirstAfterTheStart() {
    try (Hands hands = Hands.meet()) {
      hands.connect("connected");
      hands.passing().tell("fork");
      try (AgentProcess agent = start()) {
        TcpMoved moved =
            TcpMoved.during(
                agent,
                () -> {
                  hands.takerUses();
                  hands.giverUses();
                  hands.passing().tell("close");
                  hands.takerCloses();
                });
        proof(
            "held by both when the agent came: giver %s; taker %s",
            counted(moved, hands.giver()), counted(moved, hands.taker()));
        assertThat(counted(moved, hands.giver())).isEqualTo(counts(0, 0, 0, 0));
        assertThat(counted(moved, hands.taker()))
            .isEqualTo(counts(BY_GIVER + BY_TAKER, TO_GIVER + TO_TAKER, 0, 1));
      }
    }
  }
}
