package dev.sonde.agent.workload.kubelet;

import dev.sonde.agent.workload.SourceException;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;

/** Whom to trust: a CA's file, the run-time's certificates, or, where asked for, anybody. */
final class KubeletTls {
  private static final int MOST_CA_BYTES = 1 << 20;

  private KubeletTls() {}

  static SSLContext context(KubeletConfig config) throws SourceException {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      Path ca = config.ca();
      TrustManager[] trust =
          config.skipVerify()
              ? new TrustManager[] {new Anybody()}
              : ca == null ? null : trusting(ca);
      context.init(null, trust, null);
      return context;
    } catch (IOException | GeneralSecurityException e) {
      throw new SourceException(
          "--kubelet-ca " + config.ca() + ": " + e.getMessage(),
          "name a PEM file with the certificates that sign kubelets' certificates",
          e);
    }
  }

  private static TrustManager[] trusting(Path ca) throws IOException, GeneralSecurityException {
    if (Files.size(ca) > MOST_CA_BYTES) {
      throw new IOException("larger than " + MOST_CA_BYTES + " bytes");
    }
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    try (InputStream in = Files.newInputStream(ca)) {
      int i = 0;
      for (Certificate c : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
        store.setCertificateEntry("ca" + i++, c);
      }
      if (i == 0) {
        throw new IOException("no certificate in it");
      }
    }
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    return factory.getTrustManagers();
  }

  /**
   * The extended kind, since the JDK wraps the other in its check of the host's name: what an
   * operator who skips verification wants is exactly no check.
   */
  private static final class Anybody extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
