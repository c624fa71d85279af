/** The language runtimes of the node's processes, read from outside of them. */
package dev.sonde.agent.runtime;
