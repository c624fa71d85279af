/**
 * Names from the container runtime: {@code runtime.v1} over gRPC on the runtime's unix domain
 * socket.
 *
 * <p>The messages are generated from {@code cri.proto}, which has only what is read.
 */
package dev.sonde.agent.workload.cri;
