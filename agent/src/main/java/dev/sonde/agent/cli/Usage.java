package dev.sonde.agent.cli;

import dev.sonde.agent.config.Command;

/**
 * The words of a command's help beyond its options.
 *
 * @param header one line, shown in the list of commands too
 * @param description what the command does
 * @param footer examples, and rules common to options
 */
record Usage(String header, String description, String footer) {
  private static final String OPTION_RULE =
      """

      Every option NAME is also the environment variable SONDE_NAME (upper case, _ for -) and the
      key NAME of the YAML file. A flag wins over the environment, that over the file, that over
      the default.""";

  static final Usage TOP =
      new Usage(
          "Sonde tells for every pod of this node where its time goes: TCP, scheduler, collector.",
          "",
          """

          Examples:
            sudo sonde agent                         start the agent on 127.0.0.1:9520
            curl -s http://127.0.0.1:9520/metrics    see what it counts
            sudo sonde doctor                        what works on this host, and why not the rest
            sonde agent --help                       all options""");

  static Usage of(Command command) {
    return switch (command) {
      case AGENT ->
          new Usage(
              "Observe this node and serve what is seen.",
              "Attaches the probes and serves metrics over HTTP and gRPC until Ctrl-C or SIGTERM (which"
                  + " give exit codes 130 and 143); detaches all of them then.",
              """

              Examples:
                sudo sonde agent
                sudo sonde agent --listen 0.0.0.0:9520 --watch
                sudo sonde agent --config /etc/sonde/sonde.yaml --print-config
                sudo sonde agent --mechanism sched=raw_tp --mechanism buffer=perf
                sudo SONDE_STALE_AFTER=10m sonde agent --probes all,-sched
              """
                  + OPTION_RULE);
      case DOCTOR ->
          new Usage(
              "Say what works on this host, and why the rest does not.",
              "Tries every probe's mechanisms, prints what came of it, and leaves nothing attached.",
              """

              Examples:
                sudo sonde doctor
                sudo sonde doctor --json | jq '.probes[] | {probe, mechanism}'
                sudo sonde doctor --btf /var/lib/sonde/vmlinux.btf
              """
                  + OPTION_RULE);
      case PODS ->
          new Usage(
              "List the pods, containers and units of this node.",
              "Reads the cgroup tree; works without an agent, and says whether one answers.",
              """

              Examples:
                sudo sonde pods
                sudo sonde pods --json | jq '.workloads[] | select(.pod != "")'
                sudo sonde pods --cgroup-root /host/sys/fs/cgroup
              """
                  + OPTION_RULE);
    };
  }
}
