"""The vocabulary of `core.traces.opclass`: which words in a name say what is done, the telling ones first.

A word is letters of one case (`FusedBatchNormV3` is fused, batch, norm, v) and up to three neighbours count as one, so that
`batchnorm` here is also `batch_norm` and `BatchNorm`; a single letter does not begin one. Digits do not count: `im2col` is `imcol`,
`fft2d` is `fftd`.
A name belongs to the first row that has one of its words: `max_pool2d_with_indices_backward` is pooling before it is a maximum.
"""

from __future__ import annotations

#: Whole names that would say something else, or nothing, as a word among others.
WHOLE = {
    "communication": "send recv hostsend hostrecv",
    "copy host-device": "copyhosttodevice",
    "copy device-host": "copydevicetohost",
    "copy device-device": "copydevicetodevice",
    "memset": "zero zeros zeroslike newzeros ones oneslike newones full fulllike newfull fill fillkernel foreachzero "
    "efficientzerotensor",
    # Triton kernels of SGLang, vLLM and LightLLM.
    "attention": "fwdkernel fwdkernelstage fwdgroupedkernelstage",
    "matrix multiply": "ger addr outer",
    "reduction and loss": "all any std stdmean",
    "data layout": "t to set size shape shapen rank item arg retval const constant alias getitem numpyt isnonzero lift conj typeas "
    "real imag scalartensor identityn tbackward",
    "elementwise": "and or not xor scalkernel",
}

RULES = (
    # Followed by a long code of sizes and options whose letters would say anything.
    ("matrix multiply", "cijk nvjet"),
    ("graph launch", "graphlaunch"),
    (
        "communication",
        "nccl rccl gloo oneccl hccl msccl mscclpp nvshmem nvshmemi nvshmemx rocshmem allreduce allgather reducescatter "
        "alltoall allall "
        "collectivepermute collectivebroadcast paramcomms crossdevicereduce userbuffers deepep multimem symmmem "
        "quickreduce lamport",
    ),
    ("copy host-device", "memcpyhtod memcpyhd"),
    ("copy device-host", "memcpydtoh memcpydh"),
    ("copy device-device", "memcpydtod memcpydd memcpyptop memcpypp memcpydtop memcpyptod rocclrcopybuffer"),
    # MIOpen sets a workspace to one value with `SubTensorOpWithScalar1d`.
    ("memset", "memset fillfunctor rocclrfillbuffer opwithscalar uninitializedfill"),
    # Rotates what it calls an embedding: arithmetic.
    ("elementwise", "rope rotary"),
    # Into or out of a cache by slot or block: a scatter, though its name ends in the attention's.
    ("embedding and gather", "reshapeandcache concatandcache setmlakv kvbuffer indexercache"),
    (
        "attention",
        "attention attn flash fmha sdpa sdp mha mqa gqa mmha mla xqa withpagedkv withraggedkv withkvcache batchdecode "
        "batchprefill "
        "mergestates deltarule",
    ),
    ("embedding and gather", "embedding embeddings embeddingbag embs splitlookup permuteindices boundscheckindices"),
    (
        "optimizer",
        "resourceapply sparseapply applyadam applymomentum applygradientdescent applyadagrad applyrmsprop adam adamw "
        "adagrad adadelta "
        "adafactor rmsprop lamb lars muon sgdfunctor fusedsgd multitensorsgd lambstage optimizer",
    ),
    (
        "random",
        "random bernoulli truncatednormal multinomial philox threefry rng distribution dropout maskedscale rand randn "
        "randint randperm "
        "randnlike randlike uniform normal sample sampling",
    ),
    # Of a linear layer's weights, in training libraries.
    ("matrix multiply", "wgradgemm weightgradientmlp"),
    ("convolution backward weights", "wgrad wrw bwdw bwdweight bwdweights"),
    # MIOpen's `bwd` is of the data, `wrw` of the weights.
    ("convolution backward data", "dgrad bwddata igemmbwd colim colvol"),
    # `im2col`, Winograd's and Fourier's transforms are ways to compute a convolution.
    (
        "convolution forward",
        "conv convolution convolutions convolve scudnn winograd fprop imcol imdcol volcol igemmfwd implicitgemm "
        "computeoffsetskernel "
        "computeboffsets cudnnfp cudnnbf cudnntf cudnnint cudnnldg cudnnrelu fftd opencvd",
    ),
    (
        "normalisation",
        "batchnorm layernorm groupnorm instancenorm rmsnorm weightnorm qknorm batchnormalization layernormalization "
        "groupnormalization "
        "instancenormalization normalization bn bnorm lnfwd lnbwd gammabeta rowwisemoments computegradinput lrn "
        "localresponsenorm fusedrms addrms",
    ),
    (
        "pooling",
        "pool pooling maxpool avgpool averagepool adaptiveaverage reducewindow selectandscatter upsample interpolate "
        "resizebilinear "
        "resizenearest gridsampler gridsample roialign",
    ),
    ("embedding and gather", "expandinputrows finalizemoe finalizekernel moepermute moeunpermute"),
    # Names with a gather or an index in them that only sort or select.
    (
        "reduction and loss",
        "gathertopk mbtopk sbtopk topkgating routing routingindices alignblocksize countandsort sorting moesum computeexpert",
    ),
    (
        "embedding and gather",
        "gather gathernd scatter index indexing indexselect indexput indexfunc indexcopy take onehot lookuptable kvcache "
        "slotmapping",
    ),
    (
        "matrix multiply",
        # General products, and what their libraries call theirs.
        "matmul gemm sgemm hgemm dgemm cgemm zgemm igemm bgemm gcgemm qgemm kgemm mxgemm spgemm gemmk gemv gemvx gemvn "
        "gemvt gemvnsp addmm bmm "
        "baddbmm addbmm addmv mm mv dot matvec einsum tensordot cutlass innerproduct linear splitk splitkreduce wvsplitk "
        "globalkernel reduceblockkernel marlin machete humming mulmat fusedmoe fmoe syrk herk symm trmm "
        # Sparse products, solvers and factorisations.
        "spmm csrmm csrmv spmv trsm trsv getrf getrs potrf potrs geqrf orgqr ormqr gesvd syevd heevd cholesky lufactor "
        "triangularsolve linalgsolve",
    ),
    (
        "reduction and loss",
        "loss nllcriterion softmax entropy xent logsumexp biasaddgrad biasgrad reduce reduceop reduction rowreduce "
        "columnreduce radixsort mergesort "
        "bitonicsort sort argsort scan cumsum cumprod searchsorted bucketize topk radixfind histogram histc bincount "
        "unique nonzero segment "
        "segments argmax argmin aminmax logcumsumexp mse smoothl huber kldiv ctc normalizedprob deviceselect compact cdist pdist",
    ),
    (
        "elementwise",
        # Of two tensors, though a maximum or a sum by name: Eigen's `scalar_sum_op`, TensorFlow's `SelectV2`.
        "clamp clampmin clampmax maximum minimum nantonum scalarsum scalarmax scalarmin maxelementwise minelementwise selectv "
        "lstmelementwise lstmcell grucell biasnhwc biasnchw",
    ),
    ("reduction and loss", "sum mean prod max min var varmean norm amax amin lnormalize"),
    (
        "input pipeline",
        "iterator dataset optionalhasvalue optionalgetvalue optionalfromvalue pinmemory dataloader",
    ),
    (
        "data layout",
        "copy memcpy transpose permute tocopy contiguous reshape strided asstrided stridedslice squeeze unsqueeze expand "
        "flatten unflatten "
        "concat concatenate cat stack nchw nhwc nchwc reorder readvariable varhandle convert cast opwithcast opwithsub "
        "quantize quantized "
        "quantization dequantize quant dequant cvt tohfp hfpto fprowwise qparam splitwithsizes split splitv todense "
        "resolveconj resolveneg "
        "bitcast localscalardense liftfresh detach resize broadcast broadcastgradientargs placeholder eagerconst view "
        "viewas unsafeview "
        "reshapealias clone slice select pad padinput empty emptylike emptystrided identity tile pack unpack unbind chunk narrow "
        "roll flip reverse iota range arange linspace repeat repeatinterleave computecudakernel resulttype swapdimension "
        "shuffle tril triu "
        "diag diagonal unfold tensorshuffling tensorbroadcasting tensorconversion tensorslicing tensorpadding tensorstriding",
    ),
    (
        "elementwise",
        "relu leakyrelu gelu silu swish swiglu geglu sigmoid tanh hardtanh hardswish softplus softsign elu selu celu "
        "mish prelu activation "
        "doactivation act neuron optensor optensors opdtensor add addn addv sub subtract rsub mul multiply multiplies "
        "div divide realdiv "
        "truediv divnonan pow power sqrt rsqrt cbrt exp expm exponential log logp log logit neg negate abs square "
        "squared squareddifference "
        "where lerp threshold bias biasadd sign floor ceil round trunc reciprocal remainder fmod erf erfc erfinv bitwise "
        "logical isfinite isnan "
        "isinf compare assign accumulategrad equal notequal greater less sin cos tan sine cosine atan asin acos sinh cosh foreach "
        "scalepackedtensor scale eq ne gt lt ge le clip maskedfill inv plus minus addcmul addcdiv axpy axpby polar select "
        "lgamma digamma fma",
    ),
    ("matrix multiply", "rnn rnnv lstm gru"),
    # Eigen assigns a constant, or evaluates something that is not listed above.
    ("memset", "scalarconstant"),
    # Carriers of what is done, when nothing says what.
    ("elementwise", "elementwise pointwise vectorized multitensorapply eigenmetakernel binarytransform unarytransform fusion"),
)

#: Says nothing of what is done: types and accessors among a kernel's template arguments, and hashes.
NOISE = (
    r"^void |\bstd::|\(anonymous namespace\)|<unnamed>|CompiledFxGraph \w+|_with_index\b|cutlass_kernels::|ck_tile::"
    r"|(?:Load|Store)With(?:out)?Cast|IndexToOffset|IndexType|TensorEvaluator|TensorAssign(?:Op)?"
)
