// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice Bytes that are no descriptor: the record at `position` has an unknown value, or the descriptor would end
/// there, before or after the end of the bytes.
error MalformedDescriptor(uint256 position);

/// @notice A descriptor whose layout is not sound.
/// @param rule The rule that it breaks.
/// @param at What breaks it: the layer, block, table, function, pair, chunk, position or size that the rule is about.
error LayoutRefused(LayoutRule rule, uint256 at);

/// @notice A registration of more than 2^14 range columns, which a program does not number.
/// @param columns How many columns its cells would fill.
error RegistrationTooLarge(uint256 columns);

/// @notice The rules of a layout that can be proven, by the names that the prover's checker gives them.
/// @dev docs/protocol.md says what each is for.
enum LayoutRule {
    /// A size is out of bounds; `at` counts sizes in the order in which they are checked.
    Size,
    /// The input's domain is not that of its column; `at` is the layer.
    InputDomain,
    /// A block's first length is not the batch; `at` is the block.
    BatchLength,
    /// A block has a length of 0; `at` is the block.
    EmptyBlock,
    /// A block is in a column that does not exist; `at` is the block.
    NoSuchColumn,
    /// A layer names a block that does not exist; `at` is the layer.
    NoSuchBlock,
    /// A pair names a function that does not exist; `at` is the pair.
    NoSuchFunction,
    /// A block does not start at a multiple of its size; `at` is the block.
    BlockNotAligned,
    /// A block ends after the first pad row; `at` is the block.
    BlockTouchesPadRows,
    /// Two blocks share a cell; `at` is column, number (8 bits each) and row (32 bits).
    BlocksOverlap,
    /// A table does not have the size that its columns need; `at` is the table.
    TableSize,
    /// A table is not aligned, or ends after the first pad row; `at` is the table.
    TablePlacement,
    /// Two tables share a row; `at` is the row.
    TablesOverlap,
    /// A clamp's bounds are not in order inside the domain; `at` is the function.
    FunctionBounds,
    /// A function has not one value for each argument; `at` is the function.
    FunctionLength,
    /// A function has a value outside the domain; `at` is the function.
    FunctionValue,
    /// Two equations of a family share an exponent of r, or it is too large; `at` is the layer.
    ExponentStrides,
    /// Two families of equations share an exponent of r; `at` is the exponent.
    ExponentsOverlap,
    /// The first layer, and no other, is the input; `at` is the layer.
    InputLayer,
    /// The input's block is in no looked-up column, or has other lengths; `at` is the layer.
    InputBlock,
    /// A committed input, and no other, has a link to the same rows of its column; `at` is the layer.
    InputLink,
    /// A committed input, and no other, has distinct salts in pad rows; `at` is how many there are.
    InputSalts,
    /// The last layer, and no other, has public outputs; `at` is the last layer.
    PublicLayer,
    /// A layer reads cells that no earlier layer fixes; `at` is the layer.
    UnfixedCells,
    /// A layer writes a block that an earlier layer fixes; `at` is the layer.
    WrittenTwice,
    /// A block's shape is not that of the view; `at` is the layer.
    ViewShape,
    /// A layer reads a block beyond its real lengths; `at` is the layer.
    ViewBeyondRealLength,
    /// A view has no terms; `at` is the layer.
    EmptyView,
    /// A combined block does not have the equations' lengths, or is in no argument column; `at` is the layer.
    CombineLength,
    /// A window does not fit, or its stride is not 1 or 2; `at` is the layer.
    ConvolutionWindow,
    /// The equations' lengths are not those that a map gives; `at` is the layer.
    OutputLength,
    /// An output's block has other lengths, or is in no argument column; `at` is the layer.
    OutputBlock,
    /// Heights or widths that are pooled by squares are odd; `at` is the layer.
    PooledLength,
    /// The values of what is pooled are not in the same rows of the arguments' pair; `at` is the layer.
    PooledValues,
    /// Public outputs are the cells of one block of activations, as they are; `at` is the layer.
    OutputView,
    /// Classes do not have the lengths (batch, n, 1, 1); `at` is the layer.
    ClassLengths,
    /// A remainder does not have the limbs that its bits need; `at` is the layer.
    RemainderLimbs,
    /// A limb has other lengths, or is in no range column; `at` is the layer.
    RemainderBlock,
    /// A range below the table's, and no other, has scaled cells of the same lengths; `at` is the layer.
    TightRange,
    /// A block of weights does not start at a multiple of its size; `at` is the layer.
    WeightsNotAligned,
    /// Weights or a salt are in the virtual chunk; `at` is the layer, or the number of layers for a salt.
    WeightsInVirtualChunk,
    /// Two blocks of weights share a position; `at` is the position.
    WeightsOverlap,
    /// A chunk of hidden weights has less than two salts, or one of public weights has any; `at` is the chunk.
    SaltsOfChunk,
    /// A salt is on a weight or on another salt; `at` is the position.
    SaltOnWeight,
    /// A layer's sums may reach 2^62; `at` is the layer.
    Overflow,
    /// Two mask cells are one; `at` is 0 for positions of weights and inputs, 1 for rows.
    MaskCellsOverlap,
    /// A mask cell is outside the virtual chunk; `at` is its position.
    MaskCellOutsideVirtualChunk,
    /// A mask cell is outside the pad rows; `at` is its row.
    MaskCellOutsidePadRows,
    /// The masks' coefficients do not fit into their column; `at` is how many rows they take, with four that align them.
    MasksDoNotFit,
    /// The rows of a column are no square, as its opening needs; `at` is log2 of them. This is a rule of the commitment
    /// scheme, and so in no list of the prover's checker.
    RowsNotSquare
}
