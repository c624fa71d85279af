package dev.sonde.agent.workload.kubelet;

import java.net.URI;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * How the kubelet is reached.
 *
 * @param endpoint {@code https://10.0.0.7:10250}; null: it is not asked
 * @param ca the certificates that may have signed the kubelet's; null: those of the run-time
 * @param skipVerify take any certificate, {@code --kubelet-insecure-skip-verify}
 * @param token the service account's token; read at each request, since it rotates
 */
public record KubeletConfig(
    @Nullable URI endpoint, @Nullable Path ca, boolean skipVerify, Path token) {}
