package dev.sonde.agent.peers;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class TopPeersTest {
  @Test
  void theFirstOnesHaveNamesAndKeepThem() {
    TopPeers top = new TopPeers(2);
    top.count("a", 0, 5);
    top.count("b", 0, 4);
    top.count("c", 0, 3);
    top.settle();
    top.count("c", 0, 4); // 7 in all: more than either, not twice as much
    top.settle();
    assertThat(top.named()).containsOnlyKeys("a", "b");
    assertThat(top.others(0)).isEqualTo(7);
  }

  @Test
  void whoIsMetTwiceAsOftenTakesTheNameOfTheLeast() {
    TopPeers top = new TopPeers(2);
    top.count("a", 0, 50);
    top.count("b", 1, 4);
    top.settle();
    top.count("c", 0, 12);
    top.settle();
    assertThat(top.named()).containsOnlyKeys("a", "c");
    assertThat(top.named().get("c")).containsExactly(12, 0);
    assertThat(top.others(0)).isZero();
    assertThat(top.others(1)).isEqualTo(4);
  }

  /** A million peers, most of them met once, and ten that are met a lot, in any order. */
  @Test
  void aMillionPeersDoNotHideTheFrequentOnesAndNothingIsLost() {
    TopPeers top = new TopPeers(10);
    SplittableRandom random = new SplittableRandom(7);
    Map<String, Long> before = new HashMap<>();
    long all = 0;
    for (int round = 0; round < 100; round++) {
      for (int i = 0; i < 10_000; i++) {
        top.count("once-" + round + "-" + i, i % 2, 1);
        all++;
      }
      for (int i = 0; i < 10; i++) {
        long n = 2_000L + random.nextInt(1_000);
        top.count("often-" + i, 0, n);
        all += n;
      }
      top.settle();
      assertThat(top.counted(0) + top.counted(1)).isEqualTo(all);
      assertThat(top.named().size()).isLessThanOrEqualTo(10);
      top.named()
          .forEach(
              (peer, counts) ->
                  assertThat(counts[0]).isGreaterThanOrEqualTo(before.getOrDefault(peer, 0L)));
      before.keySet().retainAll(top.named().keySet());
      top.named().forEach((peer, counts) -> before.put(peer, counts[0]));
    }
    for (int i = 0; i < 10; i++) {
      assertThat(top.named()).containsKey("often-" + i);
    }
  }

  @Test
  void nobodyIsNamedWhereThereAreNoPlaces() {
    TopPeers top = new TopPeers(0);
    top.count("a", 0, 5);
    top.settle();
    assertThat(top.named()).isEmpty();
    assertThat(top.others(0)).isEqualTo(5);
  }
}
