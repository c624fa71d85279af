package dev.sonde.agent.doctor;

import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.Options;
import java.nio.file.Files;
import java.util.List;

/** The node and the JVM that runs this. */
final class HostFacts {
  private HostFacts() {}

  static List<Fact> of(Config config) {
    Runtime.Version jdk = Runtime.version();
    return List.of(
        Fact.of("host.node", "node name", Status.INFO, config.get(Options.NODE_NAME))
            .because("from " + config.setting(Options.NODE_NAME).origin().text()),
        procRoot(config),
        Fact.of("host.jdk", "JDK", jdk.feature() >= 25 ? Status.OK : Status.FAIL, jdk.toString())
            .because(
                System.getProperty("java.vendor", "")
                    + ", "
                    + System.getProperty("java.home", "")));
  }

  private static Fact procRoot(Config config) {
    var proc = config.get(Options.PROC_ROOT);
    boolean there = Files.isReadable(proc.resolve("stat"));
    Fact fact = Fact.of("host.proc", "proc", there ? Status.OK : Status.FAIL, proc.toString());
    return there
        ? fact
        : fact.because("no proc file system there").remedy("name it with --proc-root DIR");
  }
}
