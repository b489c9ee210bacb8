"""HTTP/1.1 on both sides: bytes in, bytes out, framing checked by llhttp, nothing about models or money."""
