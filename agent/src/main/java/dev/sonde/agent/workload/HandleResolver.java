package dev.sonde.agent.workload;

import dev.sonde.agent.host.FileHandles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Resolves ids by file handle: a few microseconds each, however many cgroups there are.
 *
 * <p>Needs CAP_DAC_READ_SEARCH.
 */
final class HandleResolver implements CgroupResolver {
  private final Path mount;
  private final FileHandles handles;

  HandleResolver(Path mount) throws IOException {
    this.mount = mount;
    this.handles = FileHandles.open(mount);
  }

  @Override
  public @Nullable String path(long id) throws IOException {
    String path = handles.path(id);
    return path == null ? null : CgroupPath.alive(path);
  }

  @Override
  public void findGone(Iterable<Long> ids, LongConsumer gone) throws IOException {
    for (long id : ids) {
      if (!handles.exists(id)) {
        gone.accept(id);
      }
    }
  }

  @Override
  public Map<Long, String> all() throws IOException {
    return CgroupTree.read(mount);
  }

  @Override
  public String mechanism() {
    return "handle";
  }

  @Override
  public void close() {
    handles.close();
  }
}
