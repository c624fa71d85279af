/** Facts of the host that need libc or procfs: file handles, mounts, processes. */
package dev.sonde.agent.host;
