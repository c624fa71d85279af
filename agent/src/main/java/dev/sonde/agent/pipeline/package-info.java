/** The way of the data: the drain thread, the once-a-second collection, snapshots. */
package dev.sonde.agent.pipeline;
