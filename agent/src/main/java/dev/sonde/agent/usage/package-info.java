/** What the kernel's own files say of each cgroup: CPU time, throttling, pressure, descriptors. */
package dev.sonde.agent.usage;
