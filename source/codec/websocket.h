// What the handshake of WebSocket has in HTTP/1 alone (RFC 6455 §4): a key, and the answer that
// only who understood it can give. HTTP/2 has neither (RFC 8441 §5); within Weir heads stand as in
// HTTP/1, so whoever reads or writes HTTP/2 adds them or leaves them out. Any thread.
#pragma once

#include <string_view>

#include "weir/arena.h"
#include "weir/head.h"

namespace weir::codec {

inline constexpr std::string_view kWebSocketKey = "sec-websocket-key";
inline constexpr std::string_view kWebSocketAccept = "sec-websocket-accept";

// Whether the request asks to go on as WebSocket.
bool asksWebSocket(const RequestHead& head);

// Gives it a key nobody can guess, instead of any it has.
void setWebSocketKey(RequestHead& head);

// The answer to a key.
std::string_view webSocketAccept(std::string_view key, Arena& arena);

// Whether the 101 answers the key of the request.
bool answersWebSocketKey(const RequestHead& request, const ResponseHead& response);

}  // namespace weir::codec
