// SPDX-License-Identifier: GPL-2.0
/*
 * MMUN_CORE_DEVICE_PART: which PFNs hmm_range_fault() reports for a part of a
 * huge page in device-private memory.  mmun_core.h has a drawing of the steps.
 *
 * The device has memory for one huge page, and this memory has no contents: no
 * task may access the page until the experiment has unmapped it.
 */

#include <linux/align.h>
#include <linux/hmm.h>
#include <linux/ioport.h>
#include <linux/memremap.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "experiment.h"

/* Older kernels have no huge pages in device memory. */
#if IS_ENABLED(CONFIG_DEVICE_PRIVATE) && IS_ENABLED(CONFIG_HMM_MIRROR) && \
	IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) &&                        \
	defined(MIGRATE_PFN_COMPOUND)

/**
 * struct mmun_core_device - a device with memory for one huge page
 * @pagemap: the memory, and the owner of the memory
 * @first: the first PFN of the huge page
 */
struct mmun_core_device {
	struct dev_pagemap pagemap;
	unsigned long first;
};

static void mmun_core_folio_free(struct folio *folio)
{
}

static vm_fault_t mmun_core_migrate_to_ram(struct vm_fault *vmf)
{
	return VM_FAULT_SIGBUS;
}

static const struct dev_pagemap_ops mmun_core_pagemap_ops = {
	.folio_free = mmun_core_folio_free,
	.migrate_to_ram = mmun_core_migrate_to_ram,
};

static int mmun_core_device_plug(struct mmun_core_device *device)
{
	struct dev_pagemap *pagemap = &device->pagemap;
	struct resource *res;
	void *ret;

	res = request_free_mem_region(&iomem_resource, SZ_128M, "mmun_core");
	if (IS_ERR(res))
		return PTR_ERR(res);
	pagemap->type = MEMORY_DEVICE_PRIVATE;
	pagemap->range.start = res->start;
	pagemap->range.end = res->end;
	pagemap->nr_range = 1;
	pagemap->ops = &mmun_core_pagemap_ops;
	pagemap->owner = device;
	device->first = ALIGN(res->start, HPAGE_PMD_SIZE) >> PAGE_SHIFT;
	ret = memremap_pages(pagemap, numa_mem_id());
	if (!IS_ERR(ret))
		return 0;
	release_mem_region(res->start, resource_size(res));
	return PTR_ERR(ret);
}

/*
 * Free the device.  memunmap_pages() waits until no page of the device is in
 * use.  If the huge page is still mapped, @mapped is true: keep the device and
 * the module for ever, because the wait would have no end.
 */
static void mmun_core_device_unplug(struct mmun_core_device *device,
				    bool mapped)
{
	struct range range = device->pagemap.range;

	if (mapped) {
		__module_get(THIS_MODULE);
		return;
	}
	memunmap_pages(&device->pagemap);
	release_mem_region(range.start, range_len(&range));
	kfree(device);
}

/* Give the page of the device to migrate_vma, if it has found a huge page. */
static void mmun_core_device_give(struct mmun_core_device *device,
				  struct migrate_vma *args)
{
	const unsigned long needs = MIGRATE_PFN_MIGRATE | MIGRATE_PFN_COMPOUND;
	struct folio *folio = page_folio(pfn_to_page(device->first));

	if ((args->src[0] & needs) != needs)
		return;
	zone_device_folio_init(folio, &device->pagemap, HPAGE_PMD_ORDER);
	args->dst[0] = migrate_pfn(device->first) | MIGRATE_PFN_COMPOUND |
		       MIGRATE_PFN_WRITE;
}

static int mmun_core_device_migrate(struct mmun_core_device *device,
				    struct migrate_vma *args)
{
	int ret;

	args->pgmap_owner = device;
	args->flags = MIGRATE_VMA_SELECT_SYSTEM | MIGRATE_VMA_SELECT_COMPOUND;
	args->vma = vma_lookup(current->mm, args->start);
	if (!args->vma || args->end > args->vma->vm_end)
		return -EFAULT;
	ret = migrate_vma_setup(args);
	if (ret)
		return ret;
	mmun_core_device_give(device, args);
	migrate_vma_pages(args);
	ret = args->dst[0] && (args->src[0] & MIGRATE_PFN_MIGRATE) ? 0 :
								     -EAGAIN;
	migrate_vma_finalize(args);
	return ret;
}

/* Migrate the huge page at @addr to the memory of the device. */
static int mmun_core_device_take(struct mmun_core_device *device,
				 unsigned long addr)
{
	unsigned long *pfns =
		kcalloc(2 * HPAGE_PMD_NR, sizeof(*pfns), GFP_KERNEL_ACCOUNT);
	struct migrate_vma args = {
		.start = addr,
		.end = addr + HPAGE_PMD_SIZE,
		.src = pfns,
		.dst = pfns + HPAGE_PMD_NR,
	};
	int ret;

	if (!pfns)
		return -ENOMEM;
	mmap_read_lock(current->mm);
	ret = mmun_core_device_migrate(device, &args);
	mmap_read_unlock(current->mm);
	kfree(pfns);
	return ret;
}

/* Walk the page tables once, without page faults. */
static int mmun_core_device_walk(struct hmm_range *range)
{
	int ret;

	range->notifier_seq = mmu_interval_read_begin(range->notifier);
	mmap_read_lock(current->mm);
	ret = hmm_range_fault(range);
	mmap_read_unlock(current->mm);
	return ret;
}

static int mmun_core_device_look(struct mmun_core_device *device,
				 struct mmun_core_device_part *cmd,
				 unsigned long *pfns)
{
	struct mmu_interval_notifier mni;
	struct hmm_range range = {
		.notifier = &mni,
		.start = cmd->addr + cmd->first * PAGE_SIZE,
		.hmm_pfns = pfns,
		.dev_private_owner = device,
	};
	int ret;

	range.end = range.start + cmd->nr * PAGE_SIZE;
	ret = mmu_interval_notifier_insert(&mni, current->mm, range.start,
					   cmd->nr * PAGE_SIZE,
					   &mmun_core_interval_ops);
	if (ret)
		return ret;
	ret = mmun_core_device_walk(&range);
	mmu_interval_notifier_remove(&mni);
	return ret;
}

/* Report the part. */
static int mmun_core_device_report(struct mmun_core_device *device,
				   struct mmun_core_device_part *cmd,
				   unsigned long *pfns)
{
	int ret = mmun_core_device_look(device, cmd, pfns);

	for (int i = 0; !ret && i < cmd->nr; i++) {
		cmd->out_valid += !!(pfns[i] & HMM_PFN_VALID);
		cmd->out_right += (pfns[i] & ~HMM_PFN_FLAGS) ==
				  device->first + cmd->first + i;
	}
	cmd->out_distance = (pfns[0] & ~HMM_PFN_FLAGS) - device->first;
	cmd->out_order = hmm_pfn_to_map_order(pfns[0]);
	return ret;
}

/*
 * Unmap the huge page.  Returns an error if the huge page stays mapped, for
 * example because the task has sealed it.
 */
static int mmun_core_device_unmap(const struct mmun_core_device_part *cmd)
{
	int ret, tries = 100;

	do {
		ret = vm_munmap(cmd->addr, HPAGE_PMD_SIZE);
	} while (ret == -EINTR && --tries);
	return ret;
}

/* Set @mapped if the huge page belongs to the device and stays mapped. */
static int mmun_core_device_run(struct mmun_core_device *device,
				struct mmun_core_device_part *cmd, bool *mapped)
{
	unsigned long *pfns =
		kcalloc(HPAGE_PMD_NR, sizeof(*pfns), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!pfns)
		return -ENOMEM;
	ret = mmun_core_device_take(device, cmd->addr);
	if (!ret) {
		ret = mmun_core_device_report(device, cmd, pfns);
		*mapped = mmun_core_device_unmap(cmd);
	}
	kfree(pfns);
	return *mapped ? -EBUSY : ret;
}

int mmun_core_device_part(union mmun_core_cmd *ucmd)
{
	struct mmun_core_device_part *cmd = &ucmd->device_part;
	struct mmun_core_device *device;
	bool mapped = false;
	int ret;

	if (!IS_ALIGNED(cmd->addr, HPAGE_PMD_SIZE) || !cmd->nr ||
	    cmd->first >= HPAGE_PMD_NR || cmd->nr > HPAGE_PMD_NR - cmd->first)
		return -EINVAL;
	device = kzalloc(sizeof(*device), GFP_KERNEL_ACCOUNT);
	if (!device)
		return -ENOMEM;
	ret = mmun_core_device_plug(device);
	if (ret) {
		kfree(device);
		return ret;
	}
	ret = mmun_core_device_run(device, cmd, &mapped);
	mmun_core_device_unplug(device, mapped);
	return ret;
}

#else

int mmun_core_device_part(union mmun_core_cmd *ucmd)
{
	return -EOPNOTSUPP;
}

#endif
