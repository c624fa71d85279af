package dev.sonde.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.agent.cli.AgentPing.State;
import dev.sonde.agent.config.Endpoint;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class AgentPingTest {
  /** A server that answers whatever it is asked with {@code reply}, once. */
  private static AgentPing ping(boolean grpc, String reply) throws Exception {
    try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Thread thread = Thread.ofPlatform().start(() -> answer(server, reply));
      Endpoint endpoint = new Endpoint("127.0.0.1", server.getLocalPort());
      AgentPing ping = grpc ? AgentPing.grpc(Optional.of(endpoint)) : AgentPing.http(endpoint);
      thread.join();
      return ping;
    }
  }

  private static void answer(ServerSocket server, String reply) {
    try (Socket socket = server.accept()) {
      byte[] request = new byte[256];
      int n = socket.getInputStream().read(request);
      assertThat(n).isPositive();
      socket.getOutputStream().write(reply.getBytes(StandardCharsets.ISO_8859_1));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void anAgentIsReadyOrSaysWhyNot() throws Exception {
    assertThat(ping(false, "HTTP/1.1 200 OK\r\nA: b\r\n\r\nready\n"))
        .satisfies(p -> assertThat(p.state()).isEqualTo(State.READY))
        .satisfies(p -> assertThat(p.detail()).isEqualTo("ready"));
    assertThat(ping(false, "HTTP/1.1 503 X\r\n\r\nno probe is up\nmore"))
        .satisfies(p -> assertThat(p.state()).isEqualTo(State.NOT_READY))
        .satisfies(p -> assertThat(p.text()).contains("is not ready", "(no probe is up)"));
  }

  @Test
  void somebodyElseIsToldApart() throws Exception {
    assertThat(ping(false, "SSH-2.0-x\r\n").state()).isEqualTo(State.OTHER);
    assertThat(ping(false, "HTTP/1.1 404 Not Found\r\n\r\n").state()).isEqualTo(State.OTHER);
    assertThat(ping(true, "HTTP/1.1 400 Bad Request\r\n\r\n").state()).isEqualTo(State.OTHER);
  }

  @Test
  void anHttp2ServerIsKnownByItsSettings() throws Exception {
    assertThat(ping(true, "\0\0\0\4\0\0\0\0\0").state()).isEqualTo(State.READY);
  }

  @Test
  void nobodyIsAbsent() {
    assertThat(AgentPing.http(new Endpoint("127.0.0.1", 1)).state()).isEqualTo(State.ABSENT);
    assertThat(AgentPing.http(new Endpoint("no.such.host.invalid", 1)).state())
        .isEqualTo(State.ABSENT);
    assertThat(AgentPing.grpc(Optional.empty()).text()).isEqualTo("is off");
  }
}
