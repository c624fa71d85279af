package dev.sonde.agent.access;

import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.ConfigException;
import dev.sonde.agent.config.Endpoint;
import dev.sonde.agent.config.Option;
import dev.sonde.agent.config.Options;
import java.net.InetAddress;

/**
 * Who could reach the endpoints: nobody else on loopback; elsewhere a guard must stand, or the
 * operator must say that there is one.
 */
public final class Exposure {
  private Exposure() {}

  /**
   * @throws ConfigException it would listen where others can read, unguarded
   */
  public static void check(Config config) throws ConfigException {
    boolean guarded =
        config.get(Options.TOKEN_FILE).isPresent()
            || config.get(Options.TLS_CERT).isPresent()
            || config.get(Options.INSECURE);
    if (guarded) {
      return;
    }
    require(Options.LISTEN, config.get(Options.LISTEN));
    if (config.get(Options.GRPC_LISTEN).isPresent()) {
      require(Options.GRPC_LISTEN, config.get(Options.GRPC_LISTEN).get());
    }
  }

  private static void require(Option<?> option, Endpoint at) throws ConfigException {
    InetAddress address = at.address().getAddress();
    // A name that nobody knows fails later, with its own words.
    if (address != null && !address.isLoopbackAddress()) {
      throw new ConfigException(
          option.flag() + " " + at,
          "others could reach this, and there is neither a token nor TLS",
          "give --token-file FILE, or --tls-cert and --tls-key; or say --insecure"
              + " if a network policy or firewall guards it");
    }
  }
}
