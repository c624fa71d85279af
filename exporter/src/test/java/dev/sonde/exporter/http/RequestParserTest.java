package dev.sonde.exporter.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RequestParserTest {
  private static final HttpConfig.RequestLimits LIMITS = HttpConfig.listen("127.0.0.1", 0).limits();

  private static final String[] PIECES = {
    "GET ",
    "POST ",
    "/",
    "/metrics",
    " HTTP/1.1",
    " HTTP/1.0",
    "\r\n",
    "\r\n",
    "\r\n\r\n",
    "\n",
    "\r",
    "Host: x\r\n",
    "Content-Length: 3\r\n",
    "Content-Length: 70000\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Expect: 100-continue\r\n",
    "Connection: close\r\n",
    "Accept: text/plain\r\n",
    " folded\r\n",
    "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
    "abc",
    "\0",
    "\u00ff",
    "\t",
    ":"
  };

  @Test
  void readsWhatMatters() {
    String request =
        """
        GET /metrics?a=b HTTP/1.1
        Host: x
        ACCEPT: a
        Accept:  b\s
        Accept-Encoding:gzip

        """
            .replace("\n", "\r\n");

    assertThat(outcomes(request, 1000))
        .containsExactly(
            new Parsed.Complete(new Request("GET", "/metrics", true, true, "a,b", "gzip", null)),
            new Parsed.Incomplete());
  }

  @Test
  void howTheBytesAreCutIntoPacketsChangesNothing() {
    Random random = new Random(11);
    for (int i = 0; i < 20_000; i++) {
      StringBuilder text = new StringBuilder();
      for (int n = random.nextInt(12); n >= 0; n--) {
        text.append(PIECES[random.nextInt(PIECES.length)]);
      }
      String request = text.toString();
      List<Parsed> whole = outcomes(request, Integer.MAX_VALUE);
      assertThat(outcomes(request, 1)).as(request).isEqualTo(whole);
      assertThat(outcomes(request, 1 + random.nextInt(7))).as(request).isEqualTo(whole);
    }
  }

  @Test
  void noBytesMakeItThrowOrKeepMoreThanItsLimit() {
    Random random = new Random(12);
    for (int i = 0; i < 2_000; i++) {
      byte[] noise = new byte[random.nextInt(30_000)];
      random.nextBytes(noise);
      if (i % 2 == 0) {
        for (int b = 0; b < noise.length; b++) {
          noise[b] = (byte) ('a' + (noise[b] & 0xF)); // legal, so that it gets further
        }
      }
      outcomes(new String(noise, ISO_8859_1), 1 + random.nextInt(5_000));
    }
  }

  /** Requests and refusals; packets only change when 100 Continue is due and how often to wait. */
  private static List<Parsed> outcomes(String text, int packet) {
    RequestParser parser = new RequestParser(LIMITS);
    List<Parsed> outcomes = new ArrayList<>();
    byte[] bytes = text.getBytes(ISO_8859_1);
    for (int at = 0; at < bytes.length; ) {
      int n = Math.min(Math.min(packet, bytes.length - at), parser.room());
      assertThat(n).as("room").isPositive();
      byte[] part = new byte[n];
      System.arraycopy(bytes, at, part, 0, n);
      at += n;
      parser.append(part, n);
      Parsed parsed = parser.next();
      while (!(parsed instanceof Parsed.Incomplete)) {
        if (!(parsed instanceof Parsed.Expecting)) {
          outcomes.add(parsed);
        }
        if (parsed instanceof Parsed.Refused) {
          return outcomes;
        }
        parsed = parser.next();
      }
    }
    outcomes.add(new Parsed.Incomplete());
    return outcomes;
  }
}
