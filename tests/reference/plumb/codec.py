"""Formats as values: each reads itself off a stream, and turns what it would read into bytes."""

import struct

from .field import Malformed


class Stream:
    def __init__(self, data):
        self.data, self.position = data, 0

    def take(self, n):
        found = self.data[self.position : self.position + n]
        if len(found) != n:
            raise Malformed(f"the bytes end inside a field, at byte {self.position}")
        self.position += n
        return found


class Number:
    """A big-endian integer, by its letter in the module struct."""

    def __init__(self, letter):
        self.format = struct.Struct(f">{letter}")

    def read(self, stream):
        return self.format.unpack(stream.take(self.format.size))[0]

    def write(self, value):
        return self.format.pack(value)


U8, U16, U32, U64, I32, I64 = (Number(letter) for letter in "BHIQiq")


class PowerOfTwo:
    """A number below 2^64, by its logarithm."""

    def read(self, stream):
        log = U8.read(stream)
        if log >= 64:
            raise Malformed(f"2^{log} is too large")
        return 1 << log

    def write(self, value):
        log = value.bit_length() - 1
        if value != 1 << log:
            raise ValueError(f"{value} is no power of two")
        return U8.write(log)


class Several:
    """Items of fixed number, one after the other."""

    def __init__(self, *items):
        self.items = items

    def read(self, stream):
        return [item.read(stream) for item in self.items]

    def write(self, values):
        return b"".join(item.write(v) for item, v in zip(self.items, values, strict=True))


class Counted:
    """A list behind its length."""

    def __init__(self, count, item):
        self.count, self.item = count, item

    def read(self, stream):
        return [self.item.read(stream) for _ in range(self.count.read(stream))]

    def write(self, values):
        return self.count.write(len(values)) + b"".join(self.item.write(v) for v in values)


class Optional:
    """A list of at most one item."""

    def __init__(self, item):
        self.counted = Counted(U8, item)

    def read(self, stream):
        found = self.counted.read(stream)
        if len(found) > 1:
            raise Malformed("an optional field is there twice")
        return found[0] if found else None

    def write(self, value):
        return self.counted.write([] if value is None else [value])


class Record:
    """Fields of an object, in the order in which they are named here."""

    def __init__(self, cls, **fields):
        self.cls, self.fields = cls, fields

    def read(self, stream):
        return self.cls(**{name: item.read(stream) for name, item in self.fields.items()})

    def write(self, value):
        return b"".join(item.write(getattr(value, name)) for name, item in self.fields.items())


class Choice:
    """A byte that says which record follows. Records of one class are told apart by `kind`."""

    def __init__(self, *records):
        self.records = records

    def read(self, stream):
        kind = U8.read(stream)
        if kind >= len(self.records):
            raise Malformed(f"there is no kind {kind}")
        found = self.records[kind].read(stream)
        found.kind = kind
        return found

    def write(self, value):
        fits = [
            r.cls is type(value) and getattr(value, "kind", i) == i
            for i, r in enumerate(self.records)
        ]
        kind = fits.index(True)
        return U8.write(kind) + self.records[kind].write(value)
