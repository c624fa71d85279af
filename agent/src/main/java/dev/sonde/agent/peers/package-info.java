/** {@code --tcp-peers}: whom workloads connect to, the most frequent by name. */
package dev.sonde.agent.peers;
