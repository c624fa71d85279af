package dev.sonde.exporter.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CertificatesTest {
  @TempDir Path dir;

  @Test
  void readsWhatOpensslWrites() throws Exception {
    TestAuthority.create(dir, "ca").issue("server", 1);
    Certificates read = TestAuthority.read(dir, "server", "ca");
    assertThat(read.verifiesClients()).isTrue();
    assertThat(read.expiry()).isBetween(Instant.now(), Instant.now().plusSeconds(2 * 86400));
  }

  /** cert-manager writes PKCS#1 for RSA and SEC1 for elliptic curves unless told otherwise. */
  @ParameterizedTest
  @ValueSource(strings = {"rsa:2048", "ec", "ed25519"})
  void readsKeysInTheirOldForms(String kind) throws Exception {
    String[] algorithm =
        kind.equals("ec")
            ? new String[] {"ec", "-pkeyopt", "ec_paramgen_curve:P-384"}
            : new String[] {kind};
    java.util.List<String> request =
        new java.util.ArrayList<>(java.util.List.of("req", "-x509", "-nodes", "-days", "2"));
    request.addAll(java.util.List.of("-subj", "/CN=x", "-keyout", "a.key", "-out", "a.crt"));
    request.add("-newkey");
    request.addAll(java.util.List.of(algorithm));
    TestAuthority.openssl(dir, request.toArray(String[]::new));
    if (!kind.equals("ed25519")) {
      TestAuthority.openssl(dir, "pkey", "-in", "a.key", "-traditional", "-out", "old.key");
      assertThat(dir.resolve("old.key"))
          .content()
          .contains(kind.equals("ec") ? "BEGIN EC PRIVATE KEY" : "BEGIN RSA PRIVATE KEY");
      Files.move(
          dir.resolve("old.key"),
          dir.resolve("a.key"),
          java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    }
    assertThatCode(() -> TestAuthority.read(dir, "a", "")).doesNotThrowAnyException();
  }

  @Test
  void refusesWhatCannotServe() throws Exception {
    TestAuthority ca = TestAuthority.create(dir, "ca");
    ca.issue("one", 1);
    ca.issue("two", 1);
    ca.issue("ended", 0);
    String one = text("one.crt");
    assertThatThrownBy(() -> TestAuthority.read(dir, "ended", ""))
        .hasMessageContaining("the certificate of 'CN=ended' expired on");
    assertThatThrownBy(() -> Certificates.parse(one, text("two.key"), ""))
        .hasMessage("the key does not belong to the certificate");
    assertThatThrownBy(() -> Certificates.parse("nothing", text("one.key"), ""))
        .hasMessageContaining("no -----BEGIN CERTIFICATE-----");
    assertThatThrownBy(() -> Certificates.parse(one, one, ""))
        .hasMessageContaining("no -----BEGIN PRIVATE KEY-----");
    String damaged = one.substring(0, 60) + one.substring(80);
    assertThatThrownBy(() -> Certificates.parse(damaged, text("one.key"), ""))
        .isInstanceOf(CertificateException.class);
    TestAuthority.openssl(
        dir, "pkey", "-in", "one.key", "-aes128", "-passout", "pass:secret", "-out", "locked.key");
    assertThatThrownBy(() -> Certificates.parse(one, text("locked.key"), ""))
        .hasMessageContaining("the key is encrypted");
  }

  private String text(String file) throws IOException {
    return Files.readString(dir.resolve(file));
  }
}
