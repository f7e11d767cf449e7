"""What a control group allows, read from files laid out as the kernel lays them out."""

from core.machine.cgroup import cpu_quota_cores, memory_left_bytes


def lay_out(root, files):
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def test_no_cgroup_means_no_limit(tmp_path):
    assert cpu_quota_cores(tmp_path) is None
    assert memory_left_bytes(tmp_path) is None


def test_version_2_takes_the_tightest_limit_on_the_way_up(tmp_path):
    root = lay_out(tmp_path, {
        "proc/self/cgroup": "0::/kubepods/pod1\n",
        "sys/fs/cgroup/kubepods/cpu.max": "150000 100000\n",
        "sys/fs/cgroup/kubepods/pod1/cpu.max": "max 100000\n",
    })  # fmt: skip
    assert cpu_quota_cores(root) == 1.5


def test_version_2_memory_counts_droppable_cache_as_free(tmp_path):
    root = lay_out(tmp_path, {
        "proc/self/cgroup": "0::/\n",
        "sys/fs/cgroup/memory.max": "1000\n",
        "sys/fs/cgroup/memory.current": "700\n",
        "sys/fs/cgroup/memory.stat": "anon 400\ninactive_file 250\n",
    })  # fmt: skip
    assert memory_left_bytes(root) == 1000 - 700 + 250


def test_version_1_uses_the_controllers_own_folders(tmp_path):
    root = lay_out(tmp_path, {
        "proc/self/cgroup": "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n0::/\n",
        # Inside a container the group's path does not exist: its files lie at the top.
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        "sys/fs/cgroup/memory/memory.usage_in_bytes": "123\n",
    })  # fmt: skip
    assert cpu_quota_cores(root) == 2.0
    assert memory_left_bytes(root) is None


def test_version_1_without_a_quota(tmp_path):
    root = lay_out(tmp_path, {
        "proc/self/cgroup": "1:cpu:/\n",
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
        "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    })  # fmt: skip
    assert cpu_quota_cores(root) is None
