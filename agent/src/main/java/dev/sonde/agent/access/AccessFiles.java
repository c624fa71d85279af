package dev.sonde.agent.access;

import dev.sonde.agent.config.Config;
import dev.sonde.agent.config.ConfigException;
import dev.sonde.agent.config.FileStamp;
import dev.sonde.agent.config.Options;
import dev.sonde.agent.log.Log;
import dev.sonde.exporter.access.Access;
import dev.sonde.exporter.access.CertificateException;
import dev.sonde.exporter.access.Certificates;
import dev.sonde.exporter.access.Tokens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Tokens and certificates from files, as they rotate.
 *
 * {@snippet :
 * AccessFiles files = AccessFiles.open(config);    // a bad file ends the start
 * files.refresh();                                 // a bad one later: the old one stays
 * }
 *
 * <p>A certificate and its key are two files that do not change at once; the pair that does not fit
 * is refused and read again when the other one has changed too. One thread refreshes; the results
 * may be asked by any.
 */
public final class AccessFiles {
  private static final Log LOG = Log.named("access");
  private static final long LIMIT = 1 << 20;

  private final Access access;
  private final @Nullable Path tokenFile;
  private final List<Path> tlsFiles;
  private List<FileStamp> tokenStamp;
  private List<FileStamp> tlsStamp;
  private volatile @Nullable Instant expiry;
  private final Reloads tokens = new Reloads();
  private final Reloads tls = new Reloads();

  private AccessFiles(Access access, @Nullable Path tokenFile, List<Path> tlsFiles) {
    this.access = access;
    this.tokenFile = tokenFile;
    this.tlsFiles = tlsFiles;
    this.tokenStamp = stamps(tokenFile == null ? List.of() : List.of(tokenFile));
    this.tlsStamp = stamps(tlsFiles);
  }

  /**
   * Reads what {@code config} names.
   *
   * @throws ConfigException a file is missing or wrong: which, and why
   */
  public static AccessFiles open(Config config) throws ConfigException {
    List<Path> tls = new ArrayList<>();
    Optional<Path> chain = config.get(Options.TLS_CERT);
    Optional<Path> key = config.get(Options.TLS_KEY);
    if (chain.isPresent() != key.isPresent()) {
      throw new ConfigException(
          chain.isPresent() ? "--tls-cert" : "--tls-key",
          "a certificate and its key are given together",
          "give both --tls-cert FILE and --tls-key FILE");
    }
    chain.ifPresent(tls::add);
    key.ifPresent(tls::add);
    Optional<Path> clientCa = config.get(Options.TLS_CLIENT_CA);
    if (clientCa.isPresent() && tls.isEmpty()) {
      throw new ConfigException(
          "--tls-client-ca", "there is no TLS to show a certificate in", "also give --tls-cert");
    }
    clientCa.ifPresent(tls::add);
    Path tokenFile = config.get(Options.TOKEN_FILE).orElse(null);
    // Stamped before it is read: a change in between is seen as one.
    AccessFiles files = new AccessFiles(Access.open(), tokenFile, tls);
    try {
      if (tokenFile != null) {
        files.readTokens(tokenFile);
      }
      if (!tls.isEmpty()) {
        files.readTls();
      }
    } catch (BadFileException e) {
      throw new ConfigException(e.file, String.valueOf(e.getMessage()), "mend that file");
    }
    return files;
  }

  /** What the endpoints ask. */
  public Access access() {
    return access;
  }

  /**
   * Reads again what has changed since; what cannot be used is said once, and the old one stays.
   */
  public void refresh() {
    if (tokenFile != null) {
      List<FileStamp> now = stamps(List.of(tokenFile));
      if (!now.equals(tokenStamp)) {
        tokenStamp = now;
        reload("token", tokens, () -> readTokens(tokenFile));
      }
    }
    List<FileStamp> now = stamps(tlsFiles);
    if (!now.equals(tlsStamp)) {
      tlsStamp = now;
      reload("certificate", tls, this::readTls);
    }
  }

  private interface Reading {
    void run() throws BadFileException;
  }

  private static void reload(String what, Reloads counts, Reading reading) {
    try {
      reading.run();
      counts.applied();
      LOG.info("new " + what + " in force");
    } catch (BadFileException e) {
      counts.refused();
      LOG.warn(
          "new " + what + " refused, the old one stays", "file", e.file, "why", e.getMessage());
    }
  }

  private void readTokens(Path file) throws BadFileException {
    try {
      access.replace(Tokens.parse(text(file)));
    } catch (IllegalArgumentException e) {
      throw new BadFileException(file, String.valueOf(e.getMessage()));
    }
  }

  private void readTls() throws BadFileException {
    Path chain = tlsFiles.get(0);
    try {
      Certificates certificates =
          Certificates.parse(
              text(chain), text(tlsFiles.get(1)), tlsFiles.size() > 2 ? text(tlsFiles.get(2)) : "");
      access.replace(certificates);
      expiry = certificates.expiry();
    } catch (CertificateException e) {
      throw new BadFileException(chain, String.valueOf(e.getMessage()));
    }
  }

  private static String text(Path file) throws BadFileException {
    try {
      if (Files.exists(file) && !Files.isRegularFile(file)) {
        throw new BadFileException(file, "not a file");
      }
      if (Files.size(file) > LIMIT) {
        throw new BadFileException(file, "larger than 1 MiB");
      }
      return Files.readString(file);
    } catch (NoSuchFileException e) {
      throw new BadFileException(file, "no such file");
    } catch (IOException e) {
      throw new BadFileException(file, "cannot be read: " + e.getMessage());
    }
  }

  private static List<FileStamp> stamps(List<Path> files) {
    return files.stream().map(FileStamp::of).toList();
  }

  /** When the certificate in force ends; null without TLS. */
  public @Nullable Instant expiry() {
    return expiry;
  }

  /** How often tokens were read again. */
  public Reloads tokens() {
    return tokens;
  }

  /** How often certificates were read again. */
  public Reloads tls() {
    return tls;
  }

  private static final class BadFileException extends Exception {
    private static final long serialVersionUID = 1;
    private final String file;

    BadFileException(Path file, String what) {
      super(what);
      this.file = file.toString();
    }
  }
}
