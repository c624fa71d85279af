package dev.sonde.agent.workload;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sonde.exporter.model.Workload;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class IdTableTest {
  private static IdTable.Entry entry(long id) {
    CgroupName name = CgroupName.plain(Workload.unit("u" + id));
    IdTable.Entry entry = new IdTable.Entry(id, "/" + id, name, 0);
    entry.workload = name.byPath();
    return entry;
  }

  @Test
  void findsWhatWasPutAndNothingElse() {
    IdTable table = new IdTable();
    long[] ids = {1, 2, 3, 0x1_0000_0001L, -5, Long.MIN_VALUE, Long.MAX_VALUE};
    for (long id : ids) {
      table.put(entry(id));
    }
    for (long id : ids) {
      assertThat(table.get(id)).isNotNull().extracting(e -> e.id).isEqualTo(id);
    }
    assertThat(table.get(4)).isNull();
    assertThat(table.entries()).hasSize(ids.length);
  }

  @Test
  void growsAndShrinks() {
    IdTable table = new IdTable();
    for (long id = 1; id <= 10_000; id++) {
      table.put(entry(id));
    }
    assertThat(table.entries()).hasSize(10_000);
    assertThat(table.size()).isEqualTo(10_000);
    assertThat(table.removeIf(e -> e.id % 2 == 0)).isTrue();
    assertThat(table.removeIf(e -> e.id % 2 == 0)).as("none is left").isFalse();
    assertThat(table.entries()).hasSize(5_000);
    assertThat(table.size()).isEqualTo(5_000);
    assertThat(table.get(9_999)).isNotNull();
    assertThat(table.get(10_000)).isNull();
  }

  @Test
  void readersSeeWholeEntriesWhileOneWrites() throws Exception {
    IdTable table = new IdTable();
    AtomicBoolean done = new AtomicBoolean();
    Callable<Long> reader =
        () -> {
          long hits = 0;
          while (!done.get()) {
            for (long id = 1; id <= 20_000; id += 7) {
              IdTable.Entry e = table.get(id);
              if (e != null) {
                assertThat(e.workload).extracting(Workload::unit).isEqualTo("u" + id);
                hits++;
              }
            }
          }
          return hits;
        };
    try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
      List<Future<Long>> readers = List.of(threads.submit(reader), threads.submit(reader));
      for (long id = 1; id <= 20_000; id++) {
        table.put(entry(id));
      }
      done.set(true);
      for (Future<Long> r : readers) {
        assertThat(r.get()).isNotNegative();
      }
    }
  }
}
