/** One class per BPF probe: its ladder of mechanisms, its maps, its events. */
package dev.sonde.agent.probe;
