package dev.sonde.agent.peers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sonde.exporter.model.Workload;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class PeerTableTest {
  private static Map<List<Long>, Integer> emptied(PeerTable table) {
    Map<List<Long>, Integer> all = new HashMap<>();
    table.empty(
        (cgroup, high, low, kind, count) ->
            assertThat(all.put(List.of(cgroup, high, low, (long) kind), count)).isNull());
    return all;
  }

  @Test
  void countsWhatAMapCounts() {
    PeerTable table = new PeerTable();
    SplittableRandom random = new SplittableRandom(42);
    for (int turn = 0; turn < 3; turn++) {
      Map<List<Long>, Integer> expected = new HashMap<>();
      for (int i = 0; i < 50_000; i++) {
        long cgroup = random.nextInt(5) - 3L;
        long high = random.nextInt(3);
        long low = random.nextInt(200) * 0x1_0000_0001L;
        int kind = random.nextInt(3);
        expected.merge(List.of(cgroup, high, low, (long) kind), 1, Integer::sum);
        assertThat(table.add(cgroup, high, low, kind)).isTrue();
      }
      assertThat(table.size()).isEqualTo(expected.size());
      assertThat(emptied(table)).isEqualTo(expected);
      assertThat(table.size()).isZero();
    }
  }

  @Test
  void whatDoesNotFitIsRefusedAndWhatIsThereGoesOn() {
    PeerTable table = new PeerTable();
    int fitted = 0;
    for (long i = 0; i < 100_000; i++) {
      fitted += table.add(1, 0, i, 0) ? 1 : 0;
    }
    assertThat(fitted).isEqualTo(12_288).isEqualTo(table.size());
    assertThat(table.add(1, 0, 5, 0)).as("known already").isTrue();
    assertThat(table.add(1, 0, 99_999, 0)).isFalse();
    assertThat(emptied(table)).containsEntry(List.of(1L, 0L, 5L, 0L), 2).hasSize(12_288);
    assertThat(table.add(1, 0, 99_999, 0)).isTrue();
  }

  private static String network(PeerMask mask, String address) {
    long[] words = PeerMask.words(InetAddress.ofLiteral(address));
    return mask.network(words[0], words[1]);
  }

  @Test
  void tellsAsMuchOfAnAddressAsItMay() {
    PeerMask usual = PeerMask.parse("24,64");
    assertThat(network(usual, "10.1.2.3")).isEqualTo("10.1.2.0/24");
    assertThat(network(usual, "255.255.255.255")).isEqualTo("255.255.255.0/24");
    assertThat(network(usual, "2001:db8:1:2:3:4:5:6")).isEqualTo("2001:db8:1:2::/64");
    for (String own : List.of("127.0.0.1", "127.9.9.9", "::1")) {
      assertThat(network(usual, own)).isEqualTo("loopback");
    }
    assertThat(network(new PeerMask(32, 128), "10.1.2.3")).isEqualTo("10.1.2.3/32");
    assertThat(network(new PeerMask(32, 128), "fd00::1")).isEqualTo("fd00::1/128");
    assertThat(network(new PeerMask(0, 0), "10.1.2.3")).isEqualTo("0.0.0.0/0");
    assertThat(network(new PeerMask(0, 0), "fd00::1")).isEqualTo("::/0");
    assertThat(network(new PeerMask(20, 72), "10.1.255.3")).isEqualTo("10.1.240.0/20");
    assertThat(network(new PeerMask(20, 72), "fd00::aabb:ccdd:1:2"))
        .isEqualTo("fd00::aa00:0:0:0/72");
    for (String bad : List.of("", "24", "24,64,1", "a,b", "33,64", "24,129", "-1,64")) {
      assertThatThrownBy(() -> PeerMask.parse(bad)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void anAddressIsAPodsNameOnlyWhileItIsThatPodsAlone() {
    Set<Workload> alive = new HashSet<>();
    PeerNames names = new PeerNames(alive::contains);
    Workload web = new Workload("shop", "web-1", "nginx", "");
    Workload side = new Workload("shop", "web-1", "proxy", "");
    Workload next = new Workload("shop", "web-2", "nginx", "");
    Workload node = Workload.unit("ssh.service");
    alive.add(web);
    names.learn(0, 7, web);
    names.learn(0, 7, side); // another container of the pod
    assertThat(names.of(0, 7)).isEqualTo("shop/web-1");
    alive.remove(web);
    names.learn(0, 7, next); // its address is given to another pod
    assertThat(names.of(0, 7)).isEqualTo("shop/web-2");
    alive.add(next);
    names.learn(0, 7, web); // two at once: the host's network
    assertThat(names.of(0, 7)).isEmpty();
    names.learn(0, 8, node);
    assertThat(names.of(0, 8)).isEmpty();
    assertThat(names.of(0, 9)).isEmpty();
  }
}
