#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Real peers for the tests of redirect: servers that say which port they are, and a client that counts what it lost.

serve [tcp|udp|udp-connected] PORT [PORT...]
        tcp: answer each connection with the port in an HTTP response; udp: each datagram with "PORT LENGTH".
        udp-connected answers each client through a socket that is connected to it.
ask HOST PORT COUNT [SIZE]
        COUNT datagram connections of three datagrams of SIZE bytes each: prints the answering ports and their counts; a
        connection that is answered by two ports, not at all, or from elsewhere than PORT is "lost".
keep HOST PORT COUNT FILE
        COUNT TCP connections, held until FILE is there; then one request on each.
from HOST PORT SOURCE
        one TCP connection from the port SOURCE, which is reset in the end: prints what it was answered.
upload HOST PORT BYTES
        one TCP connection that sends so many bytes and prints what the server counted.
"""
import os
import selectors
import socket
import struct
import sys
import threading
import time


def family(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def answer_tcp(conn, port):
    with conn:
        try:
            conn.settimeout(300)
            head = b""
            while b"\r\n\r\n" not in head:
                more = conn.recv(65536)
                if not more:
                    return
                head += more
            got = len(head.split(b"\r\n\r\n", 1)[1])
            wanted = 0
            for line in head.split(b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    wanted = int(line.split(b":")[1])
            while got < wanted:
                got += len(conn.recv(65536))
            body = b"%d %d\n" % (port, got)
            conn.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        except OSError:
            pass


def serve_tcp(port):
    listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("::", port))
    listener.listen(1024)
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=answer_tcp, args=(conn, port), daemon=True).start()


def serve_udp(port, connected):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("::", port))
    poll = selectors.DefaultSelector()
    poll.register(sock, selectors.EVENT_READ)
    while True:
        for key, _ in poll.select():
            data, peer = key.fileobj.recvfrom(65535)
            out = key.fileobj
            if connected and out is sock:
                out = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
                out.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                out.bind(("::", port))
                out.connect(peer)
                poll.register(out, selectors.EVENT_READ)
            if out is sock:
                out.sendto(b"%d %d" % (port, len(data)), peer)
            else:
                out.send(b"%d %d connected" % (port, len(data)))


def serve(kind, ports):
    threads = []
    for port in ports:
        target, args = (serve_tcp, (port,)) if kind == "tcp" else (serve_udp, (port, kind == "udp-connected"))
        threads.append(threading.Thread(target=target, args=args, daemon=True))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def ask(host, port, count, size):
    ports = {}
    for _ in range(count):
        with socket.socket(family(host), socket.SOCK_DGRAM) as sock:
            sock.settimeout(1.5)
            sock.connect((host, port))
            answers = set()
            for _ in range(3):
                try:
                    sock.send(b"x" * size)
                    port_of, length, *_rest = sock.recv(200).split()
                    answers.add(port_of.decode() if int(length) == size else "lost")
                except (OSError, ValueError):
                    answers.add("lost")
            key = answers.pop() if len(answers) == 1 else "lost"
            ports[key] = ports.get(key, 0) + 1
    print(" ".join(f"{key}:{ports[key]}" for key in sorted(ports)))


def keep(host, port, count, path):
    held = []
    for _ in range(count):
        sock = socket.create_connection((host, port), timeout=5)
        sock.settimeout(5)
        held.append(sock)
    print("held", len(held), flush=True)
    while not os.path.exists(path):
        time.sleep(0.05)
    fine = 0
    for sock in held:
        try:
            sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
            fine += b"200 OK" in sock.recv(4096)
        except OSError:
            pass
    print("fine", fine, flush=True)


def from_port(host, port, source):
    sock = socket.socket(family(host), socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.bind(("", source))
    sock.settimeout(5)
    sock.connect((host, port))
    sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
    answer = b""
    while b"\n" not in answer.partition(b"\r\n\r\n")[2]:
        more = sock.recv(4096)
        if not more:
            break
        answer += more
    print(answer.partition(b"\r\n\r\n")[2].decode().strip())
    sock.close()


def upload(host, port, size):
    with socket.create_connection((host, port), timeout=20) as sock:
        sock.sendall(b"POST / HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % size)
        sock.sendall(b"x" * size)
        print(sock.recv(4096).split(b"\r\n\r\n")[1].decode().strip())


def main():
    what, rest = sys.argv[1], sys.argv[2:]
    if what == "serve":
        serve(rest[0], [int(port) for port in rest[1:]])
    elif what == "ask":
        ask(rest[0], int(rest[1]), int(rest[2]), int(rest[3]) if len(rest) > 3 else 10)
    elif what == "keep":
        keep(rest[0], int(rest[1]), int(rest[2]), rest[3])
    elif what == "from":
        from_port(rest[0], int(rest[1]), int(rest[2]))
    elif what == "upload":
        upload(rest[0], int(rest[1]), int(rest[2]))
    else:
        sys.exit(__doc__)


main()
