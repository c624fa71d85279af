package dev.sonde.exporter.access;

import java.io.IOException;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.KeyManagementException;
import java.security.KeyStore;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;
import java.util.function.Consumer;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * A server's chain and key, and whose certificates clients may show.
 *
 * {@snippet :
 * Certificates.parse(Files.readString(crt), Files.readString(key), "")
 * }
 *
 * <p>Immutable; checked when made: the key belongs to the first certificate, and none of the chain
 * is out of date.
 */
public final class Certificates {
  private static final char[] NO_PASSWORD = {};

  private final KeyManager[] keys;
  private final TrustManager[] trusted;
  private final boolean clients;
  private final Instant expiry;

  private Certificates(KeyManager[] keys, TrustManager[] trusted, boolean clients, Instant expiry) {
    this.keys = keys;
    this.trusted = trusted;
    this.clients = clients;
    this.expiry = expiry;
  }

  /**
   * @param chain PEM, the server's own certificate first
   * @param key PEM, unencrypted: PKCS#8, PKCS#1 or SEC1
   * @param clientCa PEM; empty: no certificate is asked of clients
   */
  public static Certificates parse(String chain, String key, String clientCa)
      throws CertificateException {
    List<X509Certificate> certificates = Pem.certificates(chain);
    X509Certificate own = certificates.getFirst();
    Instant expiry = Instant.MAX;
    for (X509Certificate one : certificates) {
      requireValid(one);
      Instant end = one.getNotAfter().toInstant();
      expiry = end.isBefore(expiry) ? end : expiry;
    }
    PrivateKey secret = Pem.key(key, own.getPublicKey());
    try {
      requirePair(own, secret);
      KeyStore store = empty();
      store.setKeyEntry("sonde", secret, NO_PASSWORD, certificates.toArray(X509Certificate[]::new));
      KeyManagerFactory keys =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(store, NO_PASSWORD);
      boolean clients = !clientCa.isBlank();
      return new Certificates(
          keys.getKeyManagers(),
          trust(clients ? Pem.certificates(clientCa) : List.of()),
          clients,
          expiry);
    } catch (GeneralSecurityException | IOException e) {
      throw new CertificateException("the JDK refuses them: " + e.getMessage());
    }
  }

  private static TrustManager[] trust(List<X509Certificate> authorities)
      throws GeneralSecurityException, IOException {
    if (authorities.isEmpty()) {
      return new TrustManager[0];
    }
    KeyStore store = empty();
    for (int i = 0; i < authorities.size(); i++) {
      store.setCertificateEntry("ca" + i, authorities.get(i));
    }
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    return trust.getTrustManagers();
  }

  private static KeyStore empty() throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }

  private static void requireValid(X509Certificate one) throws CertificateException {
    String name = one.getSubjectX500Principal().getName();
    try {
      one.checkValidity();
    } catch (CertificateExpiredException e) {
      throw new CertificateException(
          "the certificate of '" + name + "' expired on " + one.getNotAfter().toInstant());
    } catch (CertificateNotYetValidException e) {
      throw new CertificateException(
          "the certificate of '"
              + name
              + "' is not valid before "
              + one.getNotBefore().toInstant());
    }
  }

  /** By a signature: what the handshake would only find when the first client comes. */
  private static void requirePair(X509Certificate own, PrivateKey secret)
      throws GeneralSecurityException, CertificateException {
    String algorithm =
        switch (own.getPublicKey().getAlgorithm()) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          case "EdDSA", "Ed25519" -> "EdDSA";
          default ->
              throw new CertificateException(
                  "keys of the kind " + own.getPublicKey().getAlgorithm() + " are not supported");
        };
    byte[] text = {1, 2, 3};
    Signature signature = Signature.getInstance(algorithm);
    signature.initSign(secret);
    signature.update(text);
    byte[] signed = signature.sign();
    signature.initVerify(own.getPublicKey());
    signature.update(text);
    if (!signature.verify(signed)) {
      throw new CertificateException("the key does not belong to the certificate");
    }
  }

  boolean verifiesClients() {
    return clients;
  }

  /** When the first certificate of the chain ends. */
  public Instant expiry() {
    return expiry;
  }

  /**
   * @param watched tells of client certificates that are refused
   */
  SSLContext context(Consumer<Socket> watched) throws KeyManagementException {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      TrustManager[] watching = trusted.clone();
      for (int i = 0; i < watching.length; i++) {
        if (watching[i] instanceof X509ExtendedTrustManager manager) {
          watching[i] = new WatchedTrust(manager, watched);
        }
      }
      context.init(keys, watching, null);
      return context;
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has TLS", e);
    }
  }
}
