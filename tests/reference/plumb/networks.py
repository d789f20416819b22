"""Small networks to try the protocol on, and models that stay inside their tables."""

from dataclasses import replace

from .descriptor import (
    ARGUMENT,
    COMMITTED,
    CONVOLUTION,
    DENSE,
    DEPTHWISE,
    HIDDEN,
    INPUT,
    MAGIC,
    PUBLIC,
    RANGE,
    VALUE,
    VERSION,
    Block,
    Cells,
    Clamp,
    Combine,
    Descriptor,
    Exponents,
    Function,
    Input,
    Linear,
    Map,
    MaskCells,
    Output,
    Pooled,
    Public,
    Slot,
    Table,
    Term,
    Tight,
    Top1,
    index_bits,
    indices,
)
from .executor import OutOfRange, Trace, Weights
from .layout import Layout
from .transcript import Seeded


def round_up(n, step):
    return -(-n // step) * step


class Net:
    """Builds a descriptor layer by layer; a view is a list of terms."""

    def __init__(self, sizes, functions, *, batch=1, inputs=HIDDEN, weights=HIDDEN):
        c, pad, s, k = sizes
        first = round_up(1 << s, 1 << k)
        rows = 1 << c
        self.d = Descriptor(
            magic=MAGIC,
            version=VERSION,
            log_rows=c,
            log_pad=pad,
            range_bits=s,
            value_bits=k,
            batch=batch,
            input_visibility=inputs,
            weight_visibility=weights,
            input_domain=[0, 0],
            range_columns=1,
            chunks=1,
            range_table=Slot(0, s),
            functions=[Function(Slot(first + (j << k), k), f) for j, f in enumerate(functions)],
            pairs=list(range(len(functions))),
            mask_cells=MaskCells([rows - 1, rows - 2, rows - 3, rows - 4], [], []),
            salts=[],
            input_salts=[rows - 1, rows - 2] if inputs == COMMITTED else [],
            blocks=[],
            layers=[],
        )
        self.taken = {}
        self.exponent = 0
        self.weights = 0
        self.packed = False  # whether weights stand in the padding of the block before

    def place(self, column, number, dims):
        """Put a block into the first aligned rows that are free."""
        block = Block(column, number, 0, dims)
        block.offset = round_up(self.taken.get((column, number), 0), block.size())
        self.taken[column, number] = block.offset + block.size()
        return self.add(block)

    def add(self, block):
        self.d.blocks.append(block)
        return len(self.d.blocks) - 1

    def family(self, dims):
        strides = [1]
        for n in reversed(dims[1:]):
            strides.insert(0, strides[0] << index_bits(n))
        found = Exponents(self.exponent, strides, dims)
        self.exponent += strides[0] << index_bits(dims[0])
        return found

    def tight(self, dims, bits):
        if bits == self.d.range_bits:
            return None
        return Tight(self.place(RANGE, self.d.range_columns - 1, dims), bits, self.family(dims))

    def values(self, argument):
        """Return the view of a function's values."""
        block = self.d.blocks[argument]
        return [Term(1, self.add(replace(block, column=VALUE)))]

    def input(self, inner, bits):
        dims = [self.d.batch, *inner]
        block = self.place(RANGE, 0, dims)
        link = None
        if self.d.input_visibility == COMMITTED:
            link = self.add(replace(self.d.blocks[block], column=INPUT, number=0))
        self.d.input_domain = [0, (1 << bits) - 1]
        layer = Input(block, link, self.tight(dims, bits), self.family(dims))
        self.d.layers.append(layer)
        return [Term(1, block)], dims

    def map(self, view, dims, window=None, depthwise=False):
        """Return a map without a place; a window is (kernel, stride, before, after)."""
        kernel, stride, before, after = window or ([], [], [], [])
        kind = DENSE if window is None else DEPTHWISE if depthwise else CONVOLUTION
        return Map(view, dims, 0, 3, kind, kernel, stride, before, after)

    def place_weights(self, dims):
        size, last = 1, 0
        for n in dims:
            size, last = size << index_bits(n), (last << index_bits(n)) + n - 1
        at = round_up(self.weights, size)
        self.weights = at + (last + 1 if self.packed else size)
        return at

    def linear(self, maps, out, shift, pair=None, pooled=False):
        """Append a layer; without a pair its output is public.

        Return the view of its values; of a pooled layer, of those at the maxima.
        """
        d, m = self.d, maps[0]
        lengths = [1, 1]
        if m.kind != DENSE:
            padded = [n + b + a for n, b, a in zip(m.input[2:], m.before, m.after, strict=True)]
            lengths = [(n - k) // s + 1 for n, k, s in zip(padded, m.kernel, m.stride, strict=True)]
        dims = [d.batch, out, *lengths]
        for m in maps:
            m.weights = self.place_weights(m.weight_dims(out))
        y = None if pair is None else self.place(ARGUMENT, pair, dims)
        limbs = -(-shift // d.range_bits)
        remainders = [self.place(RANGE, i % d.range_columns, dims) for i in range(limbs)]
        layer = Linear(
            maps=maps,
            output=Public() if y is None else Cells(y),
            remainders=remainders,
            tight=self.tight(dims, shift - d.range_bits * (limbs - 1)) if limbs else None,
            shift=shift,
            exponents=self.family(dims),
            biases=self.place_weights([out]),
            bias_bits=max(4, shift),
        )
        d.layers.append(layer)
        if y is None:
            return [], dims
        [values] = self.values(y)
        if not pooled:
            return [values], dims
        layer.output = Pooled(y, values.block)
        maxima = replace(values, height=(1, 1), width=(1, 1))
        return [maxima], [*dims[:2], *(n // 2 for n in lengths)]

    def output(self, view, dims):
        """Append an output: the cells of a view."""
        self.d.layers.append(Output(view, self.family(dims)))

    def top1(self, view, dims):
        """Append an output: the index of the largest cell."""
        s, k = self.d.range_bits, self.d.value_bits
        limbs = -(-k // s)
        remainders = [self.place(RANGE, i % self.d.range_columns, dims) for i in range(limbs)]
        tight = self.tight(dims, k - s * (limbs - 1))
        self.d.layers.append(Top1(view, remainders, tight, self.family(dims)))

    def combine(self, view, dims, pair):
        """Append cell = view; return the view of f(cell)."""
        cell = self.place(ARGUMENT, pair, dims)
        self.d.layers.append(Combine(cell, view, self.family(dims)))
        return self.values(cell)

    def max_pool(self, view, dims, pair):
        """max(a, b) = b + relu(a - b), first over columns, then over rows."""

        def halved(view, dimension, odd):
            """Return every second row or column of a view, from the first or the second on."""

            def select(term):
                shift, low = getattr(term, dimension)
                return replace(term, **{dimension: [shift + 1, low + (odd << shift)]})

            return [select(term) for term in view]

        def larger(view, dimension, dims):
            a, b = halved(view, dimension, 0), halved(view, dimension, 1)
            difference = a + [replace(t, coefficient=-t.coefficient) for t in b]
            return b + self.combine(difference, dims, pair)

        n, c, h, w = dims
        across = larger(view, "width", [n, c, h, w // 2])
        return larger(across, "height", [n, c, h // 2, w // 2]), [n, c, h // 2, w // 2]

    def finish(self):
        """Place the virtual chunk and the salts; return the bytes."""
        d = self.d
        rows = 1 << d.log_rows
        d.chunks = -(-self.weights // rows)
        start = d.chunks * rows
        d.mask_cells.weights = [start, start + 1]
        d.mask_cells.inputs = [start + 2, start + 3]
        if d.weight_visibility == HIDDEN:
            used = set()
            for layer in d.layers:
                if isinstance(layer, Linear):
                    out = layer.exponents.dims[1]
                    used |= {
                        m.position(i, out) for m in layer.maps for i in indices(m.weight_dims(out))
                    }
                    used |= set(range(layer.biases, layer.biases + out))
            for chunk in range(d.chunks):
                free = [k for k in range(chunk * rows, chunk * rows + rows) if k not in used]
                d.salts += reversed(free[-2:])
        return d.to_bytes()


def relu(k):
    return Clamp(0, (1 << (k - 1)) - 1)


def identity(k):
    return Clamp(-(1 << (k - 1)), (1 << (k - 1)) - 1)


def mlp():
    """Dense layers, hidden input and weights."""
    net = Net([8, 3, 3, 4], [relu(4)])
    x, dims = net.input([4, 1, 1], 3)
    h, dims = net.linear([net.map(x, dims)], 3, 4, 0)  # a shift in two limbs, the top one tight
    net.linear([net.map(h, dims)], 2, 3)
    return net.finish()


def cnn():
    """Convolution, max pool, dense: a batch of two, a committed input, hidden weights."""
    net = Net([8, 3, 4, 5], [relu(5)], batch=2, inputs=COMMITTED)
    x, dims = net.input([1, 4, 4], 4)
    maps, dims = net.linear([net.map(x, dims, ([3, 3], [1, 1], [1, 1], [1, 1]))], 2, 4, 0)
    pooled, dims = net.max_pool(maps, dims, 0)
    net.linear([net.map(pooled, dims)], 2, 4)
    return net.finish()


def mixed():
    """Everything else: public input and weights, two range columns, an explicit table, two maps of
    one layer, a depthwise window with stride and uneven zeros, a layer without a shift.
    """
    square = [min(t * t // 4, 15) for t in range(-16, 16)]
    net = Net([8, 3, 4, 5], [relu(5), Table(square), identity(5)], inputs=PUBLIC, weights=PUBLIC)
    net.d.range_columns = 2
    x, dims = net.input([2, 3, 5], 3)
    a, dims_a = net.linear(
        [net.map(x, dims, ([2, 3], [2, 1], [1, 0], [0, 2]), depthwise=True)], 2, 3, 1
    )
    both = [
        net.map(a, dims_a, ([1, 1], [1, 1], [0, 0], [0, 0])),
        net.map(x, dims, ([1, 1], [2, 1], [1, 0], [0, 0])),
    ]
    b, _ = net.linear(both, 2, 3, 2)
    residual = [replace(t, coefficient=-2) for t in a] + b
    c = net.combine(residual, dims_a, 0)
    h, dims = net.linear([net.map(c + b, dims_a)], 3, 0, 2)
    net.linear([net.map(h, dims)], 2, 1)
    return net.finish()


def threshold():
    """The outputs are values of a function: whether each score of a batch reaches a number."""
    reaches = Table([int(y >= 1) for y in range(-8, 8)])
    net = Net([8, 3, 3, 4], [relu(4), reaches], batch=3)
    x, dims = net.input([3, 1, 1], 3)
    h, dims = net.linear([net.map(x, dims)], 3, 3, 0)
    scores, dims = net.linear([net.map(h, dims)], 2, 2, 1)
    net.output(scores, dims)
    return net.finish()


def top1():
    """The outputs are the classes of a batch; K-bit remainders in two limbs, the top one tight."""
    net = Net([8, 3, 3, 4], [relu(4), identity(4)], batch=3, inputs=COMMITTED, weights=PUBLIC)
    x, dims = net.input([3, 1, 1], 2)
    h, dims = net.linear([net.map(x, dims)], 3, 3, 0)
    scores, dims = net.linear([net.map(h, dims)], 3, 2, 1)
    net.top1(scores, dims)
    return net.finish()


def wide():
    """Two chunks, one of them full: parts of a registration that end in pad rows."""
    net = Net([8, 3, 3, 4], [relu(4)])
    x, dims = net.input([15, 1, 1], 2)
    h, dims = net.linear([net.map(x, dims)], 15, 5, 0)
    net.linear([net.map(h, dims)], 2, 3)
    return net.finish()


def packed():
    """A window that covers its input, and in the padding of its weights all that follows."""
    net = Net([8, 3, 3, 4], [relu(4)])
    net.packed = True
    x, dims = net.input([3, 5, 3], 3)
    window = [5, 3], [1, 1], [0, 0], [0, 0]
    h, dims = net.linear([net.map(x, dims, window)], 7, 5, 0)
    net.linear([net.map(h, dims)], 2, 3)
    return net.finish()


def pooled():
    """Two pooled convolutions. The first is a max pooling; the second's f has no order, and both z
    and f(z) are read at the last places of its squares.
    """
    ragged = Table([(t * t + 3 * t) % 11 - 4 for t in range(-16, 16)])
    net = Net([8, 3, 3, 5], [relu(5), ragged], batch=2)
    net.d.range_columns = 2
    x, dims = net.input([1, 4, 6], 3)
    window = [3, 3], [1, 1], [1, 1], [1, 1]
    maxima, dims = net.linear([net.map(x, dims, window)], 1, 4, 0, pooled=True)
    window = [1, 2], [1, 1], [0, 0], [0, 0]
    [values], dims = net.linear([net.map(maxima, dims, window)], 3, 2, 1, pooled=True)
    arguments = replace(values, block=net.d.layers[-1].output.arguments)
    net.linear([net.map([values, arguments], dims)], 2, 3)
    return net.finish()


def choose(descriptor, seed):
    """Return a model and inputs that stay inside all tables, the first that a seed gives."""
    layout = Layout(Descriptor.from_bytes(descriptor))
    random = Seeded(seed)
    low, high = layout.descriptor.input_domain

    def between(low, high):
        return low + random.one() % (high - low + 1)

    while True:
        model = []
        for layer in layout.linear_layers():
            out = layer.exponents.dims[1]
            maps = [[between(-2, 2) for _ in indices(m.weight_dims(out))] for m in layer.maps]
            half = 1 << layer.shift >> 1  # with it in the biases, halves round upwards
            model.append(Weights(maps, [half + between(-3, 4) for _ in range(out)]))
        inputs = [between(low, high) for _ in range(layout.inputs())]
        try:
            outputs = Trace(layout, model, inputs).outputs
        except OutOfRange:
            continue
        if len(set(outputs)) > 1:
            return model, inputs
