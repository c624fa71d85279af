/**
 * The agent's log: one logfmt line on stderr per change of state, whoever wrote it.
 *
 * <pre>
 * time=2026-01-01T12:00:00.123Z level=info logger=agent msg="probe attached" probe=tcp mechanism=tp_btf
 * </pre>
 *
 * <p>{@link dev.sonde.agent.log.Log} is what the agent's own code writes to. {@link System.Logger}
 * (the JDK), slf4j (one-nio) and {@code java.util.logging} (the exporter, gRPC) end in the same
 * place, from level warn upwards.
 */
package dev.sonde.agent.log;
