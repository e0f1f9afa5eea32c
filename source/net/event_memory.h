// Where libevent's memory comes from. It keeps a record of 16 bytes for every descriptor number it
// has seen, for ever; made between connections, one of them holds the page of seven connections
// that are gone. useEventMemory() gives such records a region of their own, so that what
// connections leave is whole pages, and goes back to the system.
#pragma once

namespace weir::net {

// Before the first event_base is made; any further call does nothing. Any thread.
void useEventMemory();

}  // namespace weir::net
