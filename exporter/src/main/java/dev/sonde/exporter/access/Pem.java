package dev.sonde.exporter.access;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Certificates and keys out of PEM text (RFC 7468). */
final class Pem {
  private static final Pattern BLOCK =
      Pattern.compile("-----BEGIN ([A-Z0-9 ]{1,40})-----([^-]*)-----END \\1-----");

  private record Block(String type, String base64) {
    byte[] der() throws CertificateException {
      try {
        return Base64.getMimeDecoder().decode(base64.getBytes(StandardCharsets.US_ASCII));
      } catch (IllegalArgumentException e) {
        throw new CertificateException("the block " + type + " is not Base64");
      }
    }
  }

  private Pem() {}

  /** All certificates in order, at least one. */
  static List<X509Certificate> certificates(String text) throws CertificateException {
    List<X509Certificate> found = new ArrayList<>();
    for (Block block : blocks(text)) {
      if (block.type().equals("CERTIFICATE")) {
        try {
          found.add(
              (X509Certificate)
                  CertificateFactory.getInstance("X.509")
                      .generateCertificate(new ByteArrayInputStream(block.der())));
        } catch (java.security.cert.CertificateException e) {
          throw new CertificateException(
              "certificate " + (found.size() + 1) + " cannot be read: " + e.getMessage());
        }
      }
    }
    if (found.isEmpty()) {
      throw new CertificateException("no -----BEGIN CERTIFICATE----- in it");
    }
    return found;
  }

  /**
   * The first private key.
   *
   * @param partner the public key of its certificate: PKCS#1 and SEC1 do not say what they are keys
   *     of, so that is taken from there
   */
  static PrivateKey key(String text, PublicKey partner) throws CertificateException {
    for (Block block : blocks(text)) {
      byte[] pkcs8 =
          switch (block.type()) {
            case "PRIVATE KEY" -> block.der();
            case "RSA PRIVATE KEY", "EC PRIVATE KEY" -> wrapped(block.der(), partner);
            case "ENCRYPTED PRIVATE KEY" ->
                throw new CertificateException(
                    "the key is encrypted; write it without a password: openssl pkey -in KEY");
            default -> new byte[0];
          };
      if (pkcs8.length == 0) {
        continue;
      }
      try {
        return KeyFactory.getInstance(partner.getAlgorithm())
            .generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
      } catch (GeneralSecurityException e) {
        throw new CertificateException(
            "the key cannot be read as one of the certificate's kind ("
                + partner.getAlgorithm()
                + ")");
      }
    }
    throw new CertificateException("no -----BEGIN PRIVATE KEY----- in it");
  }

  private static List<Block> blocks(String text) {
    List<Block> found = new ArrayList<>();
    Matcher m = BLOCK.matcher(text);
    while (m.find()) {
      found.add(new Block(m.group(1), m.group(2)));
    }
    return found;
  }

  /** PrivateKeyInfo (RFC 5958): version 0, the algorithm of the public key, the key. */
  private static byte[] wrapped(byte[] key, PublicKey partner) throws CertificateException {
    byte[] version = {2, 1, 0};
    return element(0x30, concat(version, concat(algorithm(partner.getEncoded()), element(4, key))));
  }

  /** The AlgorithmIdentifier of a SubjectPublicKeyInfo: the first element within the sequence. */
  private static byte[] algorithm(byte[] info) throws CertificateException {
    int outer = 2 + lengthBytes(info, 1);
    if (outer + 2 > info.length) {
      throw new CertificateException("the certificate's public key is cut short");
    }
    int header = 2 + lengthBytes(info, outer + 1);
    int length = header == 2 ? info[outer + 1] & 0x7f : info[outer + 2] & 0xff;
    if (header > 3 || outer + header + length > info.length) {
      throw new CertificateException("the certificate's public key is of an unknown form");
    }
    return Arrays.copyOfRange(info, outer, outer + header + length);
  }

  private static int lengthBytes(byte[] der, int at) {
    return (der[at] & 0x80) == 0 ? 0 : der[at] & 0x7f;
  }

  private static byte[] element(int tag, byte[] content) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(tag);
    int n = content.length;
    if (n < 0x80) {
      out.write(n);
    } else {
      int bytes = n < 0x100 ? 1 : n < 0x10000 ? 2 : 3;
      out.write(0x80 | bytes);
      for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
        out.write(n >> shift);
      }
    }
    out.writeBytes(content);
    return out.toByteArray();
  }

  private static byte[] concat(byte[] a, byte[] b) {
    byte[] all = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, all, a.length, b.length);
    return all;
  }
}
