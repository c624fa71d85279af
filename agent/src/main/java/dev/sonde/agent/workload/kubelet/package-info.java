/** Names from the kubelet: its {@code /pods}, over HTTPS. */
package dev.sonde.agent.workload.kubelet;
